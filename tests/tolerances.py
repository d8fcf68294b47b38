"""How close is equal: every tolerance of the tests, named once."""

EXACT = 1e-12
"""Float64 against a closed form or a recorded value: rounding alone."""
AUTODIFF = 1e-8
"""Float64 derivatives by automatic differentiation against a closed form."""
SOLVER = 1e-4
"""What an iterative solver is asked to reach."""
FLOAT32 = 1e-5
"""Float32 against a closed form."""
HALF = 2**-10
"""Float16 against what it was made of, relative."""
