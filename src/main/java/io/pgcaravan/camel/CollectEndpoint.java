package io.pgcaravan.camel;

import io.pgcaravan.row.RowChange;
import io.pgcaravan.table.Partition;
import io.pgcaravan.table.TableName;
import java.util.Map;
import org.apache.camel.Category;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;

/**
 * Gather single rows of a chunk, for one batched insert for each partition and set of columns: a split over the exchange property CaravanInserts hands them to sql:.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "collect",
        title = "Collect rows",
        syntax = "collect:destTable",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE, Category.TRANSFORMATION})
public class CollectEndpoint extends StepEndpoint {

    @UriPath(description = "The destination table of rows that no partition step placed, as raw text")
    @Metadata(required = true)
    private String destTable;

    public CollectEndpoint(String uri, CollectComponent component, String destTable) {
        super(uri, component);
        this.destTable = destTable;
    }

    @Override
    public Producer createProducer() {
        return new DefaultProducer(this) {
            @Override
            public void process(Exchange exchange) {
                Object body = exchange.getMessage().getBody();
                Inserts inserts = exchange.getProperty(PgqConstants.INSERTS, Inserts.class);
                batch(exchange);
                if (!(body instanceof Map<?, ?> row)) {
                    throw unexpected(body, "a row, as decode: makes it, or a map of column names to values");
                }
                if (row instanceof RowChange change && change.leaves()) {
                    return; // it goes to another shard
                }
                Partition placed = row instanceof RowChange change ? change.partition() : null;
                if (placed == null) {
                    placed = exchange.getProperty(PgqConstants.PARTITION, Partition.class);
                }
                inserts.add(placed == null ? TableName.parse(destTable) : placed.table(), row);
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
