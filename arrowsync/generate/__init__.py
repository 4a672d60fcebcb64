"""TableSpecs -> Catalog: the objects that declarations ask of a database."""
