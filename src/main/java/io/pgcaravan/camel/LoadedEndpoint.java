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
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;

/**
 * Declare that the step before it, such as sql:insert, has loaded the row into a table. What the batch's connection wrote is compared with the rows.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "loaded",
        title = "Rows are loaded",
        syntax = "loaded:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE})
public class LoadedEndpoint extends StepEndpoint {

    @UriPath(description = "The table, as raw text: the name that the partition step has")
    @Metadata(required = true)
    private String destTable;

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
                long written = Attempt.current().guard().takeWritten(entries.size());
                if (written < 0) {
                    throw new IllegalStateException(getEndpointUri() + ": no statement has written to the target of "
                            + batch.batch()
                            + " since the row before; the sql: or jdbc: step in front of it must use the data"
                            + " source that pgq: names as target, and must insert, update or delete");
                }
                entries.forEach(entry -> batch.account().load(entry, table));
                batch.count(written);
                if (written < entries.size()) {
                    batch.account().refuse(table, entries.size() - written);
                }
            }
        };
    }

    public String getDestTable() {
        return destTable;
    }

    public void setDestTable(String destTable) {
        this.destTable = destTable;
    }
}
