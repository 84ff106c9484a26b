"""The other operations, a file each; functions whose names begin with ``right`` have no fault."""
