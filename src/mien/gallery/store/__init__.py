"""The gallery file: its tables, sealed rows, and the audit trail that is written with them."""
