package io.pgcaravan.camel;

import org.apache.camel.spi.Metadata;

/** Names of the headers and properties that a batch's exchange carries. */
public final class PgqConstants {

    @Metadata(label = "consumer", description = "Id of the batch in the source's PgQ", javaType = "Long")
    public static final String BATCH_ID = "CamelPgqBatchId";

    @Metadata(label = "consumer", description = "The queue the batch is of", javaType = "String")
    public static final String QUEUE = "CamelPgqQueue";

    @Metadata(label = "consumer", description = "The consumer the batch was given to", javaType = "String")
    public static final String CONSUMER = "CamelPgqConsumer";

    @Metadata(label = "consumer", description = "The tick that ends the batch", javaType = "Long")
    public static final String TICK_ID = "CamelPgqTickId";

    @Metadata(
            label = "consumer",
            description = "When the tick that ends the batch was made, by the source's clock",
            javaType = "java.time.Instant")
    public static final String TICK_TIME = "CamelPgqTickTime";

    @Metadata(label = "consumer", description = "The tick that starts the batch", javaType = "Long")
    public static final String PREVIOUS_TICK_ID = "CamelPgqPreviousTickId";

    @Metadata(
            label = "consumer",
            description = "When the tick that starts the batch was made",
            javaType = "java.time.Instant")
    public static final String PREVIOUS_TICK_TIME = "CamelPgqPreviousTickTime";

    @Metadata(
            label = "consumer",
            description = "Set by decode where events are split singly: INSERT, UPDATE, DELETE, TRUNCATE or OTHER",
            javaType = "String")
    public static final String OPERATION = "CamelPgqOperation";

    @Metadata(
            label = "consumer",
            description =
                    "Set by decode where events are split singly: the table that the event is of, as ev_extra1 names it",
            javaType = "String")
    public static final String TABLE = "CamelPgqTable";

    @Metadata(
            label = "producer",
            description = "Type of the event to insert, where the endpoint names none",
            javaType = "String")
    public static final String EVENT_TYPE = "CamelPgqEventType";

    @Metadata(label = "producer", description = "ev_extra1 of the event to insert", javaType = "String")
    public static final String EXTRA1 = "CamelPgqExtra1";

    @Metadata(label = "producer", description = "ev_extra2 of the event to insert", javaType = "String")
    public static final String EXTRA2 = "CamelPgqExtra2";

    @Metadata(label = "producer", description = "ev_extra3 of the event to insert", javaType = "String")
    public static final String EXTRA3 = "CamelPgqExtra3";

    @Metadata(label = "producer", description = "ev_extra4 of the event to insert", javaType = "String")
    public static final String EXTRA4 = "CamelPgqExtra4";

    @Metadata(
            label = "producer",
            description = "Set by the producer: ids of the events it inserted",
            javaType = "java.util.List<Long>")
    public static final String EVENT_IDS = "CamelPgqEventIds";

    /** Exchange property: the {@link io.pgcaravan.batch.OpenBatch} that the exchange is part of. */
    static final String OPEN_BATCH = "CaravanOpenBatch";

    /** Exchange property: where the partition step placed the row, for steps that replace the body. */
    static final String PARTITION = "CaravanPartition";

    private PgqConstants() {}
}
