/** A consumer takes the next batch of a PgQ queue, reads its events once, and says when it is done. */
package io.pgcaravan.queue;
