package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount.Entry;
import io.pgcaravan.sql.TableName;
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
 * Declare that the step before it, such as sql:insert, has loaded the row into a table. What the batch's connection wrote is compared with the rows.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq-loaded",
        title = "Rows are loaded",
        syntax = "pgq-loaded:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE})
public class LoadedEndpoint extends StepEndpoint {

    @UriPath(description = "The table, as raw text: the name that the partition step has")
    @Metadata(required = true)
    private String destTable;

    @UriParam(
            defaultValue = "counted",
            enums = "counted,any",
            description =
                    "What proves that the rows were written: counted (an INSERT, UPDATE, DELETE or MERGE on the target that names the table, or the row's partition, and its count of rows), or any (whatever statement ran on the target for this row, such as a call of a function that writes)")
    private LoadedRows rows = LoadedRows.COUNTED;

    public LoadedEndpoint(String uri, LoadedComponent component, String destTable) {
        super(uri, component);
        this.destTable = destTable;
    }

    @Override
    public Producer createProducer() {
        TableName table = TableName.parse(destTable);
        return new DefaultProducer(this) {
            @Override
            public void process(Exchange exchange) {
                OpenBatch batch = batch(exchange);
                List<Entry> entries = entries(exchange);
                Slot slot = Slot.of(exchange);
                List<String> names = slot == null || slot.row == null || slot.row.partition() == null
                        ? List.of(table.name())
                        : List.of(table.name(), slot.row.partition().table().name());
                long written = Attempt.current().guard().takeWritten(names, entries.size(), rows == LoadedRows.ANY);
                if (written < 0) {
                    throw new IllegalStateException(getEndpointUri() + ": no statement has written to table " + table
                            + " for " + (entries.isEmpty() ? "no row" : entries.get(0)) + " of " + batch.batch()
                            + " since its last load step; the sql: or jdbc: step in front must insert, update or delete,"
                            + " name the table, and use the data source that pgq: names as target (rows=any is for"
                            + " functions that write)");
                }
                entries.forEach(entry -> batch.account().load(entry, table));
                batch.count(written);
                if (written < entries.size()) {
                    batch.account().refuse(table, entries.size() - written);
                }
            }
        };
    }

    public LoadedRows getRows() {
        return rows;
    }

    public void setRows(LoadedRows rows) {
        this.rows = rows;
    }

    public String getDestTable() {
        return destTable;
    }

    public void setDestTable(String destTable) {
        this.destTable = destTable;
    }
}
