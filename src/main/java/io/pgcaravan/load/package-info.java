/** Row changes go into tables: COPY per partition, net effects of changes to one key, all in the batch's transaction. */
package io.pgcaravan.load;
