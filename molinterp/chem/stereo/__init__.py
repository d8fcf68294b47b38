"""Copy stereochemistry from the ends of a path to the molecules between them."""
