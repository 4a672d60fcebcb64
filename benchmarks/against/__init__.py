"""arrowsync against other ways into PostgreSQL, and into MySQL and MariaDB: the same data and the same table, in turns.

    scenarios      what is run: which data, how it is loaded, by whom
    data           the data, made once as Parquet, and the table for it
    environment    the peers' own virtual environment, from ../peers.txt
    measure        a private server; one process for each run; whether the table holds the right rows afterwards
    child          what runs in that process: it measures seconds, CPU time and memory
    ours, direct, objects, pipelines    how each contender loads
    mysqlkind, measure_mysql    the same for MySQL and MariaDB
    targets        what is to be reached, and what is known not to be
    results        the Markdown tables and the chart

A contender is a context manager that takes a `Job`, prepares what isn't measured (the data in the form that it needs, an open
connection) and yields a function that is: from data in memory to the commit. To add one, write it beside its like, and name
it in `scenarios.CONTENDERS`.
"""
