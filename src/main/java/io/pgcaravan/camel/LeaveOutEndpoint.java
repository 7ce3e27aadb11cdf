package io.pgcaravan.camel;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.batch.RowAccount;
import org.apache.camel.Category;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;

/**
 * Leave a row, or a chunk of events, out on purpose: a batch commits only if each of its events was loaded or left out.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq-leave-out",
        title = "Leave rows out",
        syntax = "pgq-leave-out:reason",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE})
public class LeaveOutEndpoint extends StepEndpoint {

    @UriPath(description = "Why, in a word or two: the rows are counted by it")
    @Metadata(required = true)
    private String reason;

    public LeaveOutEndpoint(String uri, LeaveOutComponent component, String reason) {
        super(uri, component);
        this.reason = reason;
    }

    @Override
    public Producer createProducer() {
        RowAccount.Dismissal dismissal = new RowAccount.Dismissal(reason);
        return new DefaultProducer(this) {
            @Override
            public void process(Exchange exchange) {
                OpenBatch batch = batch(exchange);
                entries(exchange).forEach(entry -> batch.account().leaveOut(entry, dismissal));
            }
        };
    }

    public String getReason() {
        return reason;
    }

    public void setReason(String reason) {
        this.reason = reason;
    }
}
