/** The source: queues, ticks and batches of PgQ, over plain JDBC. */
package io.pgcaravan.queue;
