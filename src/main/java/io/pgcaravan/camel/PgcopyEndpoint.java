package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.load.LoadSettings;
import io.pgcaravan.load.Loader;
import io.pgcaravan.load.TargetColumns;
import io.pgcaravan.row.RowChange;
import java.util.List;
import java.util.Map;
import org.apache.camel.Category;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;

/**
 * Load rows by COPY into their partitions, or into the table itself, in the batch's transaction.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq-copy",
        title = "PostgreSQL COPY",
        syntax = "pgq-copy:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE, Category.TRANSFORMATION})
public class PgcopyEndpoint extends StepEndpoint {

    @UriPath(
            description =
                    "The destination table, as raw text: the first dot separates the schema. Rows that a partition step placed go to their partition")
    @Metadata(required = true)
    private String destTable;

    @UriParam(
            defaultValue = "append",
            enums = "append,keep_all,keep_latest,plain",
            description =
                    "What an event does to the target: append (every event is a row), keep_all (I and U are rows), keep_latest (U is delete and insert, D deletes, in the own partition of the event), plain (changes applied as they happened, rows move between partitions)")
    private String rowMode = "append";

    @UriParam(description = "Columns that find a row, comma separated, where the events name no key")
    private String key;

    @UriParam(
            defaultValue = "fail",
            enums = "fail,ignore",
            description = "What to do about columns that the target lacks")
    private String onUnknownColumn = "fail";

    @UriParam(
            enums = "apply,ignore,stop",
            description =
                    "What to do about a TRUNCATE of the source table. Default is stop with append and keep_all, apply with keep_latest and plain")
    private String onTruncate;

    @UriParam(
            defaultValue = "false",
            description = "Whether the tables that a batch wrote to are analyzed before it commits")
    private boolean analyze;

    @UriParam(
            defaultValue = "true",
            description = "Whether the binary format of COPY may be used where all column types allow it")
    private boolean binary = true;

    public PgcopyEndpoint(String uri, PgcopyComponent component, String destTable) {
        super(uri, component);
        this.destTable = destTable;
    }

    @Override
    public Producer createProducer() {
        LoadSettings settings = settings();
        TargetColumns columns = new TargetColumns();
        return new DefaultProducer(this) {
            @Override
            public synchronized void process(Exchange exchange) throws Exception {
                OpenBatch batch = batch(exchange);
                Loader loader =
                        batch.participant(settings, () -> new Loader(batch, settings, columns, batch.careful()));
                loader.load(rows(exchange));
            }
        };
    }

    /** The body as rows whose account is known: a list of rows, a row, or a map that a step made of the exchange's row. */
    private List<RowChange> rows(Exchange exchange) {
        Object body = exchange.getMessage().getBody();
        if (body instanceof RowChange row) {
            Slot.take(exchange, row);
            return List.of(row);
        }
        Slot slot = Slot.of(exchange);
        if (body instanceof Map<?, ?> values && slot != null && slot.entry != null) {
            RowChange row = slot.row != null ? slot.row.with(values) : RowChange.of(slot.event(), values);
            Slot.take(exchange, row);
            return List.of(row);
        }
        if (body instanceof List<?> list && list.stream().allMatch(RowChange.class::isInstance)) {
            @SuppressWarnings("unchecked")
            List<RowChange> rows = (List<RowChange>) list;
            return rows;
        }
        throw unexpected(
                body,
                "a row or a list of rows, as pgq-decode: makes them, or a map of column names to values in a split of events");
    }

    /** @throws IllegalArgumentException naming every problem */
    LoadSettings settings() {
        return LoadSettings.parse(destTable, rowMode, key, onUnknownColumn, onTruncate, binary, analyze);
    }

    public String getDestTable() {
        return destTable;
    }

    public void setDestTable(String destTable) {
        this.destTable = destTable;
    }

    public String getRowMode() {
        return rowMode;
    }

    public void setRowMode(String rowMode) {
        this.rowMode = rowMode;
    }

    public String getKey() {
        return key;
    }

    public void setKey(String key) {
        this.key = key;
    }

    public String getOnUnknownColumn() {
        return onUnknownColumn;
    }

    public void setOnUnknownColumn(String onUnknownColumn) {
        this.onUnknownColumn = onUnknownColumn;
    }

    public String getOnTruncate() {
        return onTruncate;
    }

    public void setOnTruncate(String onTruncate) {
        this.onTruncate = onTruncate;
    }

    public boolean isAnalyze() {
        return analyze;
    }

    public void setAnalyze(boolean analyze) {
        this.analyze = analyze;
    }

    public boolean isBinary() {
        return binary;
    }

    public void setBinary(boolean binary) {
        this.binary = binary;
    }
}
