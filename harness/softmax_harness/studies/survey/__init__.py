"""The softmaxes that ship, library by library, on the same inputs and judged by the same truth.

`planned` says what is surveyed, `unit` measures one library in one operation and format, `probed`
asks what no table of errors tells, `stored` keeps what is measured, `gathered` makes the tables of
it, and `__main__` is what ``make survey`` runs.
"""
