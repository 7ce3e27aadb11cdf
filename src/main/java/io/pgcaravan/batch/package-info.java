/** A batch's events, what became of each of them, and the target's transaction that notes the position with the rows. */
package io.pgcaravan.batch;
