"""What makes the files that are made: pages, pictures, references, stubs. Run from the repo."""
