"""Softmaxes by kind of fault; `good` holds their steps, `right` is those without one."""
