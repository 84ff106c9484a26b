"""Foreign code in a process of its own, with limits of time and memory: accidents, not malice.

In the order in which a call meets them: `process` is the implementation as others call it, with its
limits; `fresh` is the process behind it, which is begun by `forked` as a fork of `template`, or
spawned where the system has no such forks; in it `child` loads and calls. There `resources` and
`group` hold the process and what it starts; `watch`, `printed` and `lookout` notice what a call
does besides; `wire` writes the answers. `environment` tells whether anything could run at all.
"""

from softmax_harness.subjects.isolation.environment import blame
from softmax_harness.subjects.isolation.process import Ended, Isolated, Limits
from softmax_harness.subjects.request import Description, Fault, Reply, Request

__all__ = ["Description", "Ended", "Fault", "Isolated", "Limits", "Reply", "Request", "blame"]
