"""One chat in many processes: `python -m many_processes`; README.md has the rest."""
