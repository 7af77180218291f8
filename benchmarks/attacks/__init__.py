"""Attack sessions: replaced senders, near-copies, wrong clocks, killed processes, hurried operators, forged records.

Every module of this package with a tuple `ATTACKS` adds its rows to the table of `make attack`.
"""
