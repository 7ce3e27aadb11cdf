package io.pgcaravan.batch;

/** How a batch relates to what the target's ledger says was applied. */
public sealed interface Standing {

    /** The transaction in which the ledger was read and locked, as {@code pg_current_xact_id()} names it. */
    record Lock(String transaction, Long positionTick) {}

    /**
     * The batch follows what was applied.
     *
     * @param unproven true where the ledger knows nothing of this consumer, and the batch could only be taken on trust
     */
    record Next(Lock lock, boolean unproven) implements Standing {}

    /** The batch is in the target already: only {@code finish_batch} is missing. */
    record AlreadyApplied() implements Standing {}

    /** @param reason both ticks and what to do */
    record Lost(String reason) implements Standing {}
}
