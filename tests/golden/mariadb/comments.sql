CREATE TABLE `Book` (
  `isbn` varchar(13) NOT NULL COMMENT 'The number on its back.',
  `pages` int NOT NULL COMMENT 'Without the cover, and without the index.',
  `color` enum('red', 'green', 'blue'),
  PRIMARY KEY (`isbn`)
) ENGINE=InnoDB CHARACTER SET=utf8mb4 COLLATE=utf8mb4_nopad_bin COMMENT='A book that can be lent.

It stands on a shelf when it is not.';
