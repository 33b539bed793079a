"""What runs apart from everything else: files of strangers as rows. Pure.

parts (unpacks) ──▶ text | sheets | parquet (rows of one file) ──▶ files (of all of them) ──▶ child ══pipe══▶ ..readers
"""
