package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.CharacterRepair;
import io.pgcaravan.row.JsonRows;
import io.pgcaravan.row.Mask;
import io.pgcaravan.row.MaskedRows;
import io.pgcaravan.row.OnMissingField;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.row.RowDecoder;
import io.pgcaravan.row.RowSelection;
import io.pgcaravan.row.RowText;
import io.pgcaravan.row.Shard;
import io.pgcaravan.row.ShardedRows;
import io.pgcaravan.row.UrlEncodedRows;
import java.util.List;
import org.apache.camel.Category;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultProducer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decode the events of a batch into rows: pick and rename their columns.
 *
 * <p>A chunk (a list of events) becomes a list of rows, a single event one row.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pgq-decode",
        title = "Decode rows",
        syntax = "pgq-decode:format",
        producerOnly = true,
        remote = false,
        category = {Category.DATABASE, Category.TRANSFORMATION})
public class DecodeEndpoint extends StepEndpoint {

    private static final Logger LOG = LoggerFactory.getLogger(DecodeEndpoint.class);

    @UriPath(
            enums = "logutriga,jsontriga",
            description =
                    "What the events hold: logutriga, url-encoded rows with types I:, U:, D: and R as pgq.logutriga() writes them, or jsontriga, JSON objects as pgq.jsontriga() writes them")
    @Metadata(required = true)
    private String format;

    @UriParam(
            defaultValue = "*",
            description =
                    "Columns to take, comma separated, in this order, each optionally renamed (a, b:renamed); * takes all")
    private String fields = "*";

    @UriParam(
            defaultValue = "fail",
            enums = "fail,ignore",
            description =
                    "What to do about a row that lacks a column which fields names: fail (it is a bad row; deletes need their key alone), or ignore (it is loaded without: an insert takes the column's default, an update leaves the column as it is)")
    private OnMissingField onMissingField = OnMissingField.FAIL;

    @UriParam(description = "Columns to leave out, comma separated, by the names they have in the event")
    private String skipFields;

    @UriParam(
            description =
                    "Events to take, comma separated: I, U, D, R or another type in full; others are skipped. Default is all")
    private String eventTypes;

    @UriParam(
            description =
                    "Into how many shards the queue's rows are divided by the hash of their key; each has a consumer of its own. A hash=N of the producer in ev_extra3 comes first")
    private Integer shards;

    @UriParam(description = "Which of the shards this job takes, from 0 to shards - 1")
    private Integer shard;

    @UriParam(
            description =
                    "With shards: the columns that are hashed, comma separated, by their names in the target. Default is the event's key")
    private String shardKey;

    @UriParam(
            description =
                    "Encoding of the destination, such as UTF8 or LATIN1: bytes and characters that it cannot hold are replaced, with a warning. Default is that such rows are bad rows. For logutriga")
    private String encoding;

    @UriParam(
            description =
                    "Columns to mask, by the names they have in the event: column:rule, comma separated. Rules are hash (32 hex digits), hash64 and hash32 (numbers), bool, null, mask (***), first1 and last4 (any number), domain, =text")
    private String mask;

    @UriParam(secret = true, label = "security", description = "The key of the hashes in mask")
    private String maskSecret;

    public DecodeEndpoint(String uri, DecodeComponent component, String format) {
        super(uri, component);
        this.format = format;
    }

    @Override
    public Producer createProducer() {
        RowDecoder rows = decoder();
        return new DefaultProducer(this) {
            @Override
            public synchronized void process(Exchange exchange) throws Exception {
                Object body = exchange.getMessage().getBody();
                OpenBatch batch = batch(exchange);
                if (body instanceof Event event) {
                    RowChange row = rows.decode(batch, event);
                    if (row == null) {
                        // filtered out or buried: nothing of this event goes on
                        exchange.setRouteStop(true);
                        return;
                    }
                    exchange.getMessage()
                            .setHeader(PgqConstants.OPERATION, row.op().name());
                    exchange.getMessage().setHeader(PgqConstants.TABLE, event.extra(1));
                    exchange.getMessage().setBody(row);
                    Slot.take(exchange, row);
                    Slot slot = Slot.of(exchange);
                    if (slot != null) {
                        slot.row = row;
                    }
                } else if (body instanceof List<?> list && (list.isEmpty() || list.get(0) instanceof Event)) {
                    @SuppressWarnings("unchecked")
                    List<Event> events = (List<Event>) list;
                    exchange.getMessage().setBody(rows.decode(batch, events));
                } else {
                    throw unexpected(body, "an event or a list of events");
                }
            }
        };
    }

    private RowDecoder decoder() {
        RowSelection selection = selection();
        RowDecoder unsharded = rows(selection);
        Shard taken = Shard.of(shardKey, shards, shard);
        RowDecoder rows = taken == null ? unsharded : new ShardedRows(unsharded, taken);
        Mask masked = Mask.of(mask, maskSecret);
        return masked == null
                ? rows
                : new MaskedRows(
                        rows,
                        unsharded,
                        selection,
                        masked,
                        rows(RowSelection.ALL),
                        format.equals("jsontriga") ? RowText.JSON : RowText.URL_ENCODED);
    }

    /** @throws IllegalArgumentException where a setting makes no sense; the message names the setting */
    RowSelection selection() {
        return RowSelection.of(fields, skipFields, eventTypes, onMissingField);
    }

    private RowDecoder rows(RowSelection selection) {
        return switch (format) {
            case "logutriga" -> new UrlEncodedRows(selection, repair());
            case "jsontriga" -> {
                if (encoding != null) {
                    throw new IllegalArgumentException(
                            "pgq-decode:jsontriga: encoding has a meaning for logutriga only");
                }
                yield new JsonRows(selection);
            }
            default ->
                throw new IllegalArgumentException(
                        "pgq-decode:" + format + ": unknown format; allowed are logutriga and jsontriga");
        };
    }

    private CharacterRepair repair() {
        return encoding == null
                ? null
                : new CharacterRepair(
                        encoding,
                        (event, column) ->
                                LOG.warn("{}: column \"{}\" holds what {} cannot; replaced", event, column, encoding));
    }

    public String getEncoding() {
        return encoding;
    }

    public void setEncoding(String encoding) {
        this.encoding = encoding;
    }

    public String getMask() {
        return mask;
    }

    public void setMask(String mask) {
        this.mask = mask;
    }

    public String getMaskSecret() {
        return maskSecret;
    }

    public void setMaskSecret(String maskSecret) {
        this.maskSecret = maskSecret;
    }

    public String getFormat() {
        return format;
    }

    public void setFormat(String format) {
        this.format = format;
    }

    public String getFields() {
        return fields;
    }

    public void setFields(String fields) {
        this.fields = fields;
    }

    public OnMissingField getOnMissingField() {
        return onMissingField;
    }

    public void setOnMissingField(OnMissingField onMissingField) {
        this.onMissingField = onMissingField;
    }

    public String getSkipFields() {
        return skipFields;
    }

    public void setSkipFields(String skipFields) {
        this.skipFields = skipFields;
    }

    public String getEventTypes() {
        return eventTypes;
    }

    public void setEventTypes(String eventTypes) {
        this.eventTypes = eventTypes;
    }

    public Integer getShards() {
        return shards;
    }

    public void setShards(Integer shards) {
        this.shards = shards;
    }

    public Integer getShard() {
        return shard;
    }

    public void setShard(Integer shard) {
        this.shard = shard;
    }

    public String getShardKey() {
        return shardKey;
    }

    public void setShardKey(String shardKey) {
        this.shardKey = shardKey;
    }
}
