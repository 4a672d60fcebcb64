"""What a database contains, as frozen values: `Catalog`, `Table`, `Column`, `SqlType`. Pure; knows no dialect."""
