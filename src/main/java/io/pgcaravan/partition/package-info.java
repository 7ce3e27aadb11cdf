/** A row change finds its partition, and the partition is made where it is missing. */
package io.pgcaravan.partition;
