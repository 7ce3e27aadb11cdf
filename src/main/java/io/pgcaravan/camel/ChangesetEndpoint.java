package io.pgcaravan.camel;

import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.apache.camel.Category;
import org.apache.camel.Component;
import org.apache.camel.Consumer;
import org.apache.camel.Processor;
import org.apache.camel.Producer;
import org.apache.camel.spi.Metadata;
import org.apache.camel.spi.UriEndpoint;
import org.apache.camel.spi.UriParam;
import org.apache.camel.spi.UriPath;
import org.apache.camel.support.DefaultEndpoint;

/**
 * Ship tables by files: export what has changed into a drop directory, import the sets of one, hand their files on.
 */
@UriEndpoint(
        firstVersion = "0.1.0",
        scheme = "pg-change-set",
        title = "Change sets",
        syntax = "pg-change-set:operation",
        producerOnly = true,
        category = {Category.DATABASE, Category.FILE},
        headersClass = ChangesetConstants.class)
public class ChangesetEndpoint extends DefaultEndpoint {

    /** What a step does. */
    enum Operation {
        EXPORT,
        IMPORT,
        FILES,
        SENT,
        MISSING,
        RECEIVED,
        WATCH
    }

    @UriPath(
            enums = "export,import,files,sent,missing,received,watch",
            description =
                    "What to do: export (what has changed since the last set), import (the set whose marker came, or all that can be),"
                            + " files (the body becomes the files of the set whose marker came, the marker last), sent (the"
                            + " files of the set whose marker came leave the directory), missing (the body, a marker that lies"
                            + " elsewhere, becomes the names of its data files that are not in the directory yet), received"
                            + " (those are here now: the marker gets its name, and the body becomes the names of all files of"
                            + " the set, the marker last), watch (nothing but to say, in one line and by readiness, what fails"
                            + " in later steps; files and missing do so as well)")
    @Metadata(required = true)
    private String operation;

    @UriParam(description = "The drop directory")
    @Metadata(required = true)
    private String directory;

    @UriParam(
            label = "database",
            description = "The database to export from or import into: a DataSource, such as #sourceDb")
    private DataSource database;

    @UriParam(
            label = "export",
            description =
                    "The tables to export, raw and comma separated: the first dot of each separates its schema. Several go together:"
                            + " one snapshot, and one transaction at the target")
    private String tables;

    @UriParam(
            label = "database",
            description =
                    "HOST/DB: whom sets are for, in names that both sides agree on. To import, the default is any host, and the"
                            + " name of the database")
    private String target;

    @UriParam(
            label = "export",
            defaultValue = "none",
            enums = "none,gzip,zstd",
            description = "How ids and records are compressed")
    private String compress = "none";

    @UriParam(
            label = "export",
            description = "Whether to export all rows every time, where the changes would do as well")
    private boolean full;

    @UriParam(
            label = "export",
            defaultValue = "10000",
            description =
                    "Milliseconds after which an export that failed is tried again, until it works or the route stops. 0: when the"
                            + " next exchange comes")
    private long retryDelay = 10_000;

    @UriParam(
            label = "export,advanced",
            defaultValue = "caravan.export_set",
            description = "The export ledger, raw: the first dot separates the schema")
    private String ledger;

    @UriParam(
            label = "import,advanced",
            defaultValue = "60000",
            description =
                    "Milliseconds that a set may wait, for the set before it or for the rest of its files, before readiness goes"
                            + " down. The log says at once what it waits for")
    private long patience = 60_000;

    @UriParam(
            label = "relay",
            defaultValue = "sent",
            description =
                    "sent: where the files go, a directory in the drop directory; files: where to see whether a set goes for the"
                            + " second time. Empty: they are deleted")
    private String sentDirectory = "sent";

    @UriParam(
            label = "relay",
            description =
                    "sent, missing, received, watch: what the names of files have behind those of the set, such as .pgp where they are"
                            + " encrypted")
    private String suffix = "";

    public ChangesetEndpoint(String uri, Component component, String operation) {
        super(uri, component);
        this.operation = operation;
    }

    @Override
    public boolean isRemote() {
        return false;
    }

    @Override
    public Consumer createConsumer(Processor processor) {
        throw new UnsupportedOperationException(getEndpointUri() + " is a step: it goes into to:, not from:");
    }

    @Override
    public Producer createProducer() {
        List<String> problems = new ArrayList<>();
        Operation what = operation(problems);
        if (directory == null || directory.isBlank()) {
            problems.add("directory is missing; name the drop directory");
        }
        if ((what == Operation.EXPORT || what == Operation.IMPORT) && database == null) {
            problems.add("database is missing; name a database such as #"
                    + (what == Operation.EXPORT ? "sourceDb" : "targetDb"));
        }
        Target whom = target(what, problems);
        Exporter.Request request = what == Operation.EXPORT ? request(whom, problems) : null;
        if ((what == Operation.SENT || what == Operation.FILES)
                && (sentDirectory.contains("/") || sentDirectory.startsWith("."))) {
            problems.add("sentDirectory is \"" + sentDirectory + "\", must be the plain name of a directory");
        }
        if (retryDelay < 0) {
            problems.add("retryDelay is " + retryDelay + ", must be >= 0");
        }
        if (patience < 0) {
            problems.add("patience is " + patience + ", must be >= 0");
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(
                    "pg-change-set:" + operation + " cannot work:\n  " + String.join("\n  ", problems));
        }
        return switch (what) {
            case EXPORT -> new ExportProducer(this, request);
            case IMPORT -> new ImportProducer(this, whom);
            case FILES, SENT, MISSING, RECEIVED, WATCH -> new RelayProducer(this, what);
        };
    }

    private Operation operation(List<String> problems) {
        for (Operation one : Operation.values()) {
            if (one.name().toLowerCase(java.util.Locale.ROOT).equals(operation)) {
                return one;
            }
        }
        problems.add(
                "\"" + operation + "\" is no operation; export, import, files, sent, missing, received and watch are");
        return null;
    }

    private Target target(Operation what, List<String> problems) {
        if (target == null || target.isBlank()) {
            if (what == Operation.EXPORT) {
                problems.add("target is missing; name whom the sets are for as HOST/DB");
            }
            return null;
        }
        try {
            return Target.parse(target.strip());
        } catch (IllegalArgumentException e) {
            problems.add("target: " + e.getMessage());
            return null;
        }
    }

    private Exporter.Request request(Target whom, List<String> problems) {
        int before = problems.size();
        List<TableName> names = new ArrayList<>();
        for (String text : tables == null ? new String[0] : tables.split(",")) {
            TableName name = TableName.parse(text.strip());
            if (name.schema() == null) {
                problems.add("tables: \"" + text.strip() + "\" needs its schema, as in public." + text.strip());
            }
            names.add(name);
        }
        if (names.isEmpty()) {
            problems.add("tables is missing; name at least one table, with its schema");
        }
        Compression compression = null;
        try {
            compression = Compression.of(compress);
        } catch (IllegalArgumentException e) {
            problems.add("compress: " + e.getMessage());
        }
        return problems.size() > before || whom == null || directory == null
                ? null
                : new Exporter.Request(whom, names, drop(), compression, full);
    }

    DropDirectory drop() {
        return new DropDirectory(Path.of(directory.strip()));
    }

    TableName ledgerName() {
        return ledger == null ? Tracking.LEDGER : TableName.parse(ledger);
    }

    public String getOperation() {
        return operation;
    }

    public void setOperation(String operation) {
        this.operation = operation;
    }

    public String getDirectory() {
        return directory;
    }

    public void setDirectory(String directory) {
        this.directory = directory;
    }

    public DataSource getDatabase() {
        return database;
    }

    public void setDatabase(DataSource database) {
        this.database = database;
    }

    public String getTables() {
        return tables;
    }

    public void setTables(String tables) {
        this.tables = tables;
    }

    public String getTarget() {
        return target;
    }

    public void setTarget(String target) {
        this.target = target;
    }

    public String getCompress() {
        return compress;
    }

    public void setCompress(String compress) {
        this.compress = compress;
    }

    public boolean isFull() {
        return full;
    }

    public void setFull(boolean full) {
        this.full = full;
    }

    public long getRetryDelay() {
        return retryDelay;
    }

    public void setRetryDelay(long retryDelay) {
        this.retryDelay = retryDelay;
    }

    public String getLedger() {
        return ledger;
    }

    public void setLedger(String ledger) {
        this.ledger = ledger;
    }

    public long getPatience() {
        return patience;
    }

    public void setPatience(long patience) {
        this.patience = patience;
    }

    public String getSentDirectory() {
        return sentDirectory;
    }

    public void setSentDirectory(String sentDirectory) {
        this.sentDirectory = sentDirectory;
    }

    public String getSuffix() {
        return suffix;
    }

    public void setSuffix(String suffix) {
        this.suffix = suffix;
    }
}
