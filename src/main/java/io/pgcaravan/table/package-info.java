/** Names of tables and of their partitions, as SQL wants them. */
package io.pgcaravan.table;
