package io.pgcaravan.camel;

import io.pgcaravan.queue.Pgq;
import javax.sql.DataSource;
import org.apache.camel.Category;
import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.ScheduledPollEndpoint;

/**
 * Consume batches of a PgQ queue into another database exactly once, or insert events into a queue.
 *
 * <p>One exchange carries one batch; its body is an iterator over chunks of events, streamed from the source. The route
 * runs inside one transaction on the target, which also holds the consumer's position and commits once.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq",
        title = "PgQ",
        syntax = "pgq:queue",
        category = {Category.DATABASE, Category.MESSAGING},
        headersClass = PgqConstants.class)
// the consumer waits and backs off on its own
@Metadata(
        excludeProperties =
                "initialDelay,pollStrategy,backoffErrorThreshold,backoffIdleThreshold,backoffMultiplier,greedy,"
                        + "repeatCount,runLoggingLevel,scheduler,schedulerProperties,scheduledExecutorService,startScheduler,"
                        + "timeUnit,useFixedDelay,sendEmptyMessageWhenIdle")
public class PgqEndpoint extends ScheduledPollEndpoint {

    @UriPath(description = "Name of the queue")
    @Metadata(required = true)
    private String queue;

    @UriParam(
            label = "consumer",
            description =
                    "Name of the consumer. Each job needs its own; it is the key of the job's position in the target")
    private String consumer;

    @UriParam(description = "The database that holds the queue: a DataSource, such as #sourceDb")
    @Metadata(required = true)
    private DataSource source;

    @UriParam(
            label = "consumer",
            description =
                    "The database that is written to: a DataSource, such as #targetDb. The route's steps on it join the"
                            + " batch's transaction")
    private DataSource target;

    @UriParam(
            defaultValue = "pgq",
            description = "Schema of PgQ's functions, for compatible implementations under another name")
    private String schema = "pgq";

    @UriParam(
            label = "consumer",
            defaultValue = "fail",
            enums = "fail,leave-out",
            description =
                    "What to do about rows that a filter of the route keeps back: fail (the batch is not committed; use choice"
                            + " with pgq-leave-out: in its otherwise), or leave-out (rows whose last step was a filter are left"
                            + " out on purpose)")
    private OnFiltered onFiltered = OnFiltered.FAIL;

    @UriParam(
            label = "consumer",
            defaultValue = "skip",
            enums = "skip,pass",
            description =
                    "What to do about events that londiste and pgq put into its queues beside the rows (pgq.*, londiste.*,"
                            + " EXECUTE): skip them, or pass them to the route as others")
    private ControlEvents controlEvents = ControlEvents.SKIP;

    @UriParam(
            label = "consumer",
            defaultValue = "true",
            description =
                    "Whether to register the consumer where it is not: at the target's position where there is one, else"
                            + " at the queue's latest tick")
    private boolean register = true;

    @UriParam(
            label = "consumer,advanced",
            description =
                    "Whether to begin with whatever batch the queue offers where the target has no position of a consumer that is"
                            + " registered, as table_dispatcher does. Default is to stop: rows of earlier events may be missing")
    private boolean acceptUnknownStart;

    @UriParam(
            label = "consumer",
            defaultValue = "stop",
            enums = "stop,dead-letter",
            description =
                    "What to do with a row that can never be loaded: stop (the batch stays unfinished and the error names"
                            + " the event) or dead-letter (the row goes to caravan.dead_letter in the same transaction)")
    private OnError onError = OnError.STOP;

    @UriParam(
            label = "consumer",
            defaultValue = "1000",
            description = "With onError=dead-letter: more bad rows than this in one batch stop it")
    private int maxDeadLetters = 1000;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "5000",
            description = "Events in a chunk, at most; a chunk also ends at 2 MiB of events")
    private int chunkEvents = 5000;

    @UriParam(
            label = "consumer",
            enums = "table,type",
            description =
                    "What all events of a chunk have in common: their table (as ev_extra1 names it; ${body.table} in simple), or"
                            + " their type (${body.type}). Order is kept within a table (a type), not between them. Default is"
                            + " nothing: chunks are as the events come")
    private ChunkBy chunkBy;

    @UriParam(
            label = "consumer",
            defaultValue = "true",
            description =
                    "Whether a batch's events come in the order of their ids. A job that only appends rows does not need it:"
                            + " without, the source sorts nothing, and the first event of a large batch comes at once")
    private boolean ordered = true;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "20000",
            description = "Milliseconds before a batch that failed is tried again, where the failure is not one of"
                    + " connection, deadlock or resources (those are retried sooner, with back-off)")
    private long exceptionSleep = 20_000;

    @UriParam(
            label = "consumer",
            description =
                    "Events that a batch has to have, at least, before it is taken: several ticks become one batch")
    private Integer minCount;

    @UriParam(
            label = "consumer",
            description =
                    "How much time a batch has to cover, at least, before it is taken: an interval such as 30 seconds")
    private String minInterval;

    @UriParam(
            label = "consumer",
            description = "How far to stay behind the queue's last tick: an interval such as 5 minutes")
    private String minLag;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "0",
            description =
                    "Milliseconds after which the consumer's connections are made anew, between two batches; 0 for"
                            + " never")
    private long connectionLifetime;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "300000",
            description =
                    "Milliseconds that a server may stay silent before its connection is given up and the batch tried again, with"
                            + " twice the time; after half of it, one minute at most, the log and readiness tell of it")
    private int answerTimeout = 300_000;

    @UriParam(
            label = "consumer,advanced",
            description = "Whether to log a line after each batch, with its count of events and its seconds")
    private boolean logBatches;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "true",
            description =
                    "Whether to wait for a ticker's notification while idle, besides polling every delay milliseconds")
    private boolean listen = true;

    @UriParam(
            label = "consumer,advanced",
            defaultValue = "true",
            description =
                    "Whether to hold an advisory lock on the target while running, which makes a second process with the"
                            + " same consumer a warm standby. Switch it off behind a transaction-pooling proxy: the position keeps"
                            + " rows safe without it")
    private boolean lock = true;

    @UriParam(
            label = "consumer,advanced",
            description = "Encoding of the bytes in url-encoded events, where the source database does not know it"
                    + " (SQL_ASCII); a name as PostgreSQL has it, such as LATIN1. Default is what PgQ's functions"
                    + " write: the source's server_encoding, or UTF8 where they are not in C")
    private String encoding;

    @UriParam(
            label = "producer",
            description = "Type of the events to insert; the header CamelPgqEventType overrides it")
    private String eventType;

    public PgqEndpoint(String uri, PgqComponent component, String queue) {
        super(uri, component);
        this.queue = queue;
        // Batches are drained without a pause.
        setGreedy(true);
        setDelay(1000);
    }

    @Override
    public Producer createProducer() {
        return new PgqProducer(this);
    }

    @Override
    public Consumer createConsumer(Processor processor) throws Exception {
        if (consumer == null || consumer.isBlank()) {
            throw new IllegalArgumentException("pgq:" + queue + ": consumer is missing; give the job a consumer name");
        }
        if (target == null) {
            throw new IllegalArgumentException(
                    "pgq:" + queue + ": target is missing; name a database such as #targetDb");
        }
        if (minCount != null && minCount < 1) {
            throw new IllegalArgumentException("pgq:" + queue + ": minCount is " + minCount + ", must be >= 1");
        }
        if (answerTimeout < 1000) {
            throw new IllegalArgumentException(
                    "pgq:" + queue + ": answerTimeout is " + answerTimeout + ", must be >= 1000");
        }
        if (chunkEvents < 1) {
            throw new IllegalArgumentException("pgq:" + queue + ": chunkEvents is " + chunkEvents + ", must be >= 1");
        }
        if (getCamelContext().getCamelContextExtension().getExchangeFactory().isPooled()) {
            throw new IllegalArgumentException(
                    "pgq:" + queue + ": camel.main.exchangeFactory=pooled uses exchanges again while"
                            + " a batch still has to know what became of them; leave the setting out");
        }
        PgqConsumer made = new PgqConsumer(this, processor);
        configureConsumer(made);
        made.waitByItself();
        return made;
    }

    Pgq.Collect collect() {
        return new Pgq.Collect(minLag, minCount, minInterval);
    }

    Pgq pgq() {
        return new Pgq(schema);
    }

    public String getQueue() {
        return queue;
    }

    public void setQueue(String queue) {
        this.queue = queue;
    }

    public String getConsumer() {
        return consumer;
    }

    public void setConsumer(String consumer) {
        this.consumer = consumer;
    }

    public DataSource getSource() {
        return source;
    }

    public void setSource(DataSource source) {
        this.source = source;
    }

    public DataSource getTarget() {
        return target;
    }

    public void setTarget(DataSource target) {
        this.target = target;
    }

    public OnFiltered getOnFiltered() {
        return onFiltered;
    }

    public void setOnFiltered(OnFiltered onFiltered) {
        this.onFiltered = onFiltered;
    }

    public ControlEvents getControlEvents() {
        return controlEvents;
    }

    public void setControlEvents(ControlEvents controlEvents) {
        this.controlEvents = controlEvents;
    }

    public String getSchema() {
        return schema;
    }

    public void setSchema(String schema) {
        this.schema = schema;
    }

    public boolean isRegister() {
        return register;
    }

    public void setRegister(boolean register) {
        this.register = register;
    }

    public boolean isAcceptUnknownStart() {
        return acceptUnknownStart;
    }

    public void setAcceptUnknownStart(boolean acceptUnknownStart) {
        this.acceptUnknownStart = acceptUnknownStart;
    }

    public OnError getOnError() {
        return onError;
    }

    public void setOnError(OnError onError) {
        this.onError = onError;
    }

    public int getMaxDeadLetters() {
        return maxDeadLetters;
    }

    public void setMaxDeadLetters(int maxDeadLetters) {
        this.maxDeadLetters = maxDeadLetters;
    }

    public int getChunkEvents() {
        return chunkEvents;
    }

    public void setChunkEvents(int chunkEvents) {
        this.chunkEvents = chunkEvents;
    }

    public ChunkBy getChunkBy() {
        return chunkBy;
    }

    public void setChunkBy(ChunkBy chunkBy) {
        this.chunkBy = chunkBy;
    }

    public boolean isOrdered() {
        return ordered;
    }

    public void setOrdered(boolean ordered) {
        this.ordered = ordered;
    }

    public long getExceptionSleep() {
        return exceptionSleep;
    }

    public void setExceptionSleep(long exceptionSleep) {
        this.exceptionSleep = exceptionSleep;
    }

    public boolean isListen() {
        return listen;
    }

    public void setListen(boolean listen) {
        this.listen = listen;
    }

    public boolean isLock() {
        return lock;
    }

    public void setLock(boolean lock) {
        this.lock = lock;
    }

    public String getEncoding() {
        return encoding;
    }

    public void setEncoding(String encoding) {
        this.encoding = encoding;
    }

    public String getEventType() {
        return eventType;
    }

    public void setEventType(String eventType) {
        this.eventType = eventType;
    }

    public Integer getMinCount() {
        return minCount;
    }

    public void setMinCount(Integer minCount) {
        this.minCount = minCount;
    }

    public String getMinInterval() {
        return minInterval;
    }

    public void setMinInterval(String minInterval) {
        this.minInterval = minInterval;
    }

    public String getMinLag() {
        return minLag;
    }

    public void setMinLag(String minLag) {
        this.minLag = minLag;
    }

    public long getConnectionLifetime() {
        return connectionLifetime;
    }

    public void setConnectionLifetime(long connectionLifetime) {
        this.connectionLifetime = connectionLifetime;
    }

    public int getAnswerTimeout() {
        return answerTimeout;
    }

    public void setAnswerTimeout(int answerTimeout) {
        this.answerTimeout = answerTimeout;
    }

    public boolean isLogBatches() {
        return logBatches;
    }

    public void setLogBatches(boolean logBatches) {
        this.logBatches = logBatches;
    }
}
