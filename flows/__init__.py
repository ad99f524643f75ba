"""The order of steps, read top to bottom like prose, and the command line. Knows no maths, no SQL, no prompts."""
