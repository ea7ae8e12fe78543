"""What a class uses: exercises with their checks."""
