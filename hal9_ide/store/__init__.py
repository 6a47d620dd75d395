"""What outlives a process: tables, migrations, blobs. The only package that knows SQL."""
