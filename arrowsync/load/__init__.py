"""The way of rows into a table, from the plan of a load to its last statement."""
