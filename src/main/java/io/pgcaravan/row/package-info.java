/** An event's payload becomes a row change: an operation, the key's columns, and each column's value or NULL. */
package io.pgcaravan.row;
