package io.pgcaravan.camel;

import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.partition.Upkeep;
import io.pgcaravan.queue.OpenBatch;
import io.pgcaravan.row.RowChange;
import java.util.List;
import org.apache.camel.Category;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;

/**
 * Find each row its partition, by a date, and make the partitions that are missing in the batch's transaction.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "partition",
        title = "Partition rows",
        syntax = "partition:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE, Category.TRANSFORMATION})
public class PartitionEndpoint extends StepEndpoint {

    @UriPath(description = "The table whose partitions take the rows, as raw text: the first dot separates the schema")
    @Metadata(required = true)
    private String destTable;

    @UriParam(
            description =
                    "Column whose date places a row, by its name in the target; _EVTIME for the time of the event")
    private String partField;

    @UriParam(
            enums = "date_field,event_time,batch_time,current_time",
            description =
                    "What places a row: its partField, the time of its event, of its batch, or the current time. Default is as partField says")
    private String partMode;

    @UriParam(defaultValue = "day", enums = "hour,day,week,month,year", description = "How much time a partition holds")
    private String period = "day";

    @UriParam(
            defaultValue = "UTC",
            description = "Time zone in which values with an offset, and the times of events and batches, become dates")
    private String timeZone = "UTC";

    @UriParam(
            defaultValue = "1970-01-01",
            description =
                    "Earliest date that a row may have: a date, or a distance before today such as P2Y. Others are bad rows")
    private String oldest = "1970-01-01";

    @UriParam(
            defaultValue = "P1Y",
            description =
                    "Latest date that a row may have: a date, or a distance after today such as P1M. Others are bad rows")
    private String newest = "P1Y";

    @UriParam(
            description =
                    "SQL that makes a partition, with _DEST_TABLE, _PARENT, _PKEY and _SCHEMA_TABLE replaced. Default is to make it like its parent")
    private String partTemplate;

    @UriParam(
            defaultValue = "true",
            description =
                    "Whether a deleted row has its partition made where it is missing. Jobs that apply deletes do not need it")
    private boolean makeForDeletes = true;

    @UriParam(
            description =
                    "How long partitions are kept: 30 days, 1 month, 1 year 6 months, 36 hours, or an ISO period such as P30D. Default is for ever")
    private String retentionPeriod;

    @UriParam(
            defaultValue = "drop",
            enums = "drop,detach",
            description =
                    "What becomes of partitions that hold nothing younger than retentionPeriod; detach needs ignoreOldEvents")
    private String retention = "drop";

    @UriParam(
            defaultValue = "false",
            description =
                    "Whether rows older than retentionPeriod are left out and counted, instead of making a partition that is dropped again")
    private boolean ignoreOldEvents;

    @UriParam(
            defaultValue = "0",
            description =
                    "How many periods after the current one have their partitions made ahead, outside the transactions of batches")
    private int ahead;

    public PartitionEndpoint(String uri, PartitionComponent component, String destTable) {
        super(uri, component);
        this.destTable = destTable;
    }

    @Override
    public Producer createProducer() {
        PartitionSettings settings = settings();
        Partitioner partitioner = new Partitioner(settings);
        PartitionUpkeep upkeep = Upkeep.isNeeded(settings) ? new PartitionUpkeep(this, settings, partitioner) : null;
        return new DefaultProducer(this) {
            @Override
            protected void doStart() throws Exception {
                super.doStart();
                if (upkeep != null) {
                    upkeep.start();
                }
            }

            @Override
            protected void doStop() throws Exception {
                if (upkeep != null) {
                    upkeep.stop();
                }
                super.doStop();
            }

            @Override
            public synchronized void process(Exchange exchange) throws Exception {
                if (upkeep != null && exchange.getFromEndpoint() instanceof PgqEndpoint job) {
                    upkeep.sees(job);
                }
                Object body = exchange.getMessage().getBody();
                OpenBatch batch = batch(exchange);
                if (body instanceof RowChange row) {
                    if (partitioner.place(batch, row)) {
                        exchange.setProperty(PgqConstants.PARTITION, row.partition());
                    } else {
                        exchange.setRouteStop(true);
                    }
                } else if (body instanceof List<?> list && (list.isEmpty() || list.get(0) instanceof RowChange)) {
                    @SuppressWarnings("unchecked")
                    List<RowChange> rows = (List<RowChange>) list;
                    exchange.getMessage().setBody(partitioner.place(batch, rows));
                } else {
                    throw unexpected(body, "a row or a list of rows, as decode: makes them");
                }
            }
        };
    }

    /** @throws IllegalArgumentException naming every problem */
    PartitionSettings settings() {
        return PartitionSettings.builder(destTable)
                .partField(partField)
                .partMode(partMode)
                .period(period)
                .timeZone(timeZone)
                .oldest(oldest)
                .newest(newest)
                .partTemplate(partTemplate)
                .makeForDeletes(makeForDeletes)
                .retentionPeriod(retentionPeriod)
                .retention(retention)
                .ignoreOldEvents(ignoreOldEvents)
                .ahead(ahead)
                .build();
    }

    public String getDestTable() {
        return destTable;
    }

    public void setDestTable(String destTable) {
        this.destTable = destTable;
    }

    public String getPartField() {
        return partField;
    }

    public void setPartField(String partField) {
        this.partField = partField;
    }

    public String getPartMode() {
        return partMode;
    }

    public void setPartMode(String partMode) {
        this.partMode = partMode;
    }

    public String getPeriod() {
        return period;
    }

    public void setPeriod(String period) {
        this.period = period;
    }

    public String getTimeZone() {
        return timeZone;
    }

    public void setTimeZone(String timeZone) {
        this.timeZone = timeZone;
    }

    public String getOldest() {
        return oldest;
    }

    public void setOldest(String oldest) {
        this.oldest = oldest;
    }

    public String getNewest() {
        return newest;
    }

    public void setNewest(String newest) {
        this.newest = newest;
    }

    public String getPartTemplate() {
        return partTemplate;
    }

    public void setPartTemplate(String partTemplate) {
        this.partTemplate = partTemplate;
    }

    public boolean isMakeForDeletes() {
        return makeForDeletes;
    }

    public void setMakeForDeletes(boolean makeForDeletes) {
        this.makeForDeletes = makeForDeletes;
    }

    public String getRetentionPeriod() {
        return retentionPeriod;
    }

    public void setRetentionPeriod(String retentionPeriod) {
        this.retentionPeriod = retentionPeriod;
    }

    public String getRetention() {
        return retention;
    }

    public void setRetention(String retention) {
        this.retention = retention;
    }

    public boolean isIgnoreOldEvents() {
        return ignoreOldEvents;
    }

    public void setIgnoreOldEvents(boolean ignoreOldEvents) {
        this.ignoreOldEvents = ignoreOldEvents;
    }

    public int getAhead() {
        return ahead;
    }

    public void setAhead(int ahead) {
        this.ahead = ahead;
    }
}
