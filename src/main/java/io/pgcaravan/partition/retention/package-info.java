/** Partitions that are too old are dropped or detached, and the next ones are made ahead. */
package io.pgcaravan.partition.retention;
