package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.partition.PartitionOptions;
import io.pgcaravan.partition.PartitionSettings;
import io.pgcaravan.partition.Partitioner;
import io.pgcaravan.partition.retention.Upkeep;
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
 * Find each row its partition, by a date, a value or a hash, and make the partitions that are missing in the batch's
 * transaction.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq-partition",
        title = "Partition rows",
        syntax = "pgq-partition:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE, Category.TRANSFORMATION})
public class PartitionEndpoint extends StepEndpoint {

    @UriPath(description = "The table whose partitions take the rows, as raw text: the first dot separates the schema")
    @Metadata(required = true)
    private String destTable;

    @UriParam(
            defaultValue = "part",
            enums = "part,direct,ignore",
            description =
                    "What becomes of the rows: part (they go to partitions), direct (they go to the destination table itself), ignore (they are left out)")
    private String tableMode = "part";

    @UriParam(
            description =
                    "Column whose date, value or hash places a row, by its name in the target; _EVTIME for the time of the event")
    private String partField;

    @UriParam(
            enums = "date_field,event_time,batch_time,current_time,list,hash",
            description =
                    "What places a row: the date in its partField, the time of its event, of its batch, the current time, the value of its partField (list) or the hash of that (hash). Default is as partField says")
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

    @UriParam(description = "How many partitions there are with partMode=hash")
    private int partitions;

    @UriParam(
            defaultValue = "1000",
            description =
                    "How many partitions there may be with partMode=list. Rows with a value that would need one more are bad rows")
    private int maxPartitions = 1000;

    @UriParam(
            description =
                    "Name of a partition, with %(parent)s, %(table)s and %(schema)s, the start of its time in %(year)s, %(month)s, %(day)s, %(hour)s and %(week)s, its %(value)s (list) or %(remainder)s (hash). Default is the parent and what tells partitions apart, joined by _")
    private String partName;

    @UriParam(
            description =
                    "SQL that makes a partition, with _DEST_TABLE, _PARENT, _PKEY and _SCHEMA_TABLE replaced, or %(dest)s, %(parent)s, %(pkey)s, %(schema_table)s, %(part_field)s, %(part_time)s and %(period)s. Default is to make it like its parent")
    private String partTemplate;

    @UriParam(
            description =
                    "Function of the target that makes a partition in the place of partTemplate, called with londiste's arguments: parent, partition, key columns, partField, start of its time, period")
    private String partFunc;

    @UriParam(description = "SQL to run before a partition is made, with the replacements of partTemplate")
    private String prePart;

    @UriParam(description = "SQL to run after a partition was made, with the replacements of partTemplate")
    private String postPart;

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
                    Slot.take(exchange, row);
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
                    throw unexpected(body, "a row or a list of rows, as pgq-decode: makes them");
                }
            }
        };
    }

    /** @throws IllegalArgumentException naming every problem */
    PartitionSettings settings() {
        PartitionOptions options = new PartitionOptions(destTable);
        options.partField = partField;
        options.partMode = partMode;
        options.period = period;
        options.timeZone = timeZone;
        options.oldest = oldest;
        options.newest = newest;
        options.tableMode = tableMode;
        options.partitions = partitions;
        options.maxPartitions = maxPartitions;
        options.partName = partName;
        options.partTemplate = partTemplate;
        options.partFunc = partFunc;
        options.prePart = prePart;
        options.postPart = postPart;
        options.makeForDeletes = makeForDeletes;
        options.retentionPeriod = retentionPeriod;
        options.retention = retention;
        options.ignoreOldEvents = ignoreOldEvents;
        options.ahead = ahead;
        return options.settings();
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

    public String getTableMode() {
        return tableMode;
    }

    public void setTableMode(String tableMode) {
        this.tableMode = tableMode;
    }

    public int getPartitions() {
        return partitions;
    }

    public void setPartitions(int partitions) {
        this.partitions = partitions;
    }

    public int getMaxPartitions() {
        return maxPartitions;
    }

    public void setMaxPartitions(int maxPartitions) {
        this.maxPartitions = maxPartitions;
    }

    public String getPartName() {
        return partName;
    }

    public void setPartName(String partName) {
        this.partName = partName;
    }

    public String getPartFunc() {
        return partFunc;
    }

    public void setPartFunc(String partFunc) {
        this.partFunc = partFunc;
    }

    public String getPrePart() {
        return prePart;
    }

    public void setPrePart(String prePart) {
        this.prePart = prePart;
    }

    public String getPostPart() {
        return postPart;
    }

    public void setPostPart(String postPart) {
        this.postPart = postPart;
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
