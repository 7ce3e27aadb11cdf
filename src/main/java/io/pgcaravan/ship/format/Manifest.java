package io.pgcaravan.ship.format;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import io.pgcaravan.sql.TableName;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a set's {@code .done} says, as it is written in JSON.
 *
 * @param table schema and name
 * @param key the key's columns, in the key's order
 * @param number from 1, without holes
 * @param previousSetId null for the first set of a target
 * @param truncated whether every row that was there before is gone: the records are all there is
 * @param snapshot what the set has seen, as {@code pg_snapshot} prints it
 * @param group null where the set goes alone
 * @param check SHA-256 of the text, as it is with zeros in this place; null before that is written
 */
public record Manifest(
        int format,
        Source source,
        Target target,
        TableName table,
        List<String> key,
        @JsonProperty("set") long number,
        UUID setId,
        @JsonSetter(nulls = Nulls.SET) UUID previousSetId,
        SetKind kind,
        boolean truncated,
        String snapshot,
        Instant exportedAt,
        Compression compression,
        DataFiles files,
        @JsonSetter(nulls = Nulls.SET) Group group,
        String check) {

    private static final String NO_CHECK = "0".repeat(64);

    /** The last thing in a marker. */
    private static final Pattern SEAL = Pattern.compile("(\"check\" : \")[0-9a-f]{64}(?=\"\\s*}\\s*$)");

    private static final int MOST_TABLES = 1000;
    private static final int MOST_KEY_COLUMNS = 32;

    /** What no compression reaches: zstd, the strongest, takes 4 bytes for a block of at most 128 KiB. */
    static final long MOST_EXPANSION = 32_768;

    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    /** @param system the cluster's system identifier, as text */
    public record Source(String system, String database, String host) {

        public Source {
            Checked.text("system", system, 40);
            Checked.name("database", database);
            Checked.text("host", host, 1024);
        }

        /** What this process reads, with the name of the machine that it runs on; {@code unknown} where that has none. */
        public static Source here(io.pgcaravan.queue.Source database) {
            return new Source(database.system(), database.database(), hostName());
        }

        private static String hostName() {
            String name = System.getenv("HOSTNAME");
            if (name != null && !name.isBlank()) {
                return name;
            }
            try {
                return InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                return "unknown";
            }
        }
    }

    /** The files but for the marker. */
    public record DataFiles(FileSum columns, FileSum ids, FileSum records) {

        public DataFiles {
            if (columns.rows != 1 || columns.bytes > StrictJson.MOST_BYTES) {
                throw new IllegalArgumentException("columns must be one line");
            }
        }

        FileSum of(SetPart part) {
            return switch (part) {
                case COLUMNS -> columns;
                case IDS -> ids;
                case RECORDS -> records;
                default -> throw new IllegalArgumentException("no data in " + part);
            };
        }
    }

    /**
     * @param name of the file, which is that of its set and part
     * @param rows lines of COPY text; 1 for the columns
     * @param bytes on disk
     * @param plainBytes without compression
     * @param sha256 of the bytes on disk, in lower-case hex
     */
    public record FileSum(String name, long rows, long bytes, long plainBytes, String sha256) {

        public FileSum {
            Checked.number("bytes", bytes, 0, Long.MAX_VALUE);
            Checked.number("plainBytes", plainBytes, 0, Long.MAX_VALUE);
            // a row is a line, and a line has an end
            Checked.number("rows", rows, plainBytes == 0 ? 0 : 1, plainBytes);
            if (!HEX.matcher(sha256).matches()) {
                throw new IllegalArgumentException("sha256 must have 64 hex digits");
            }
        }

        /** For a file that is shorter. */
        public String waitsForRest(long size) {
            return "it waits for the rest of " + name + ", of which " + size + " of " + bytes + " bytes are here";
        }

        /** For a file that is longer. */
        public String isLonger(long size) {
            return name + " has " + size + " bytes, and its .done says " + bytes;
        }

        private void mustBe(String expected, Compression compression) {
            if (!name.equals(expected)) {
                throw new IllegalArgumentException("file \"" + name + "\" is not of its set");
            }
            if (compression == Compression.NONE ? bytes != plainBytes : plainBytes / MOST_EXPANSION > bytes) {
                throw new IllegalArgumentException(
                        bytes + " bytes of " + name + " cannot become " + plainBytes + " bytes");
            }
        }
    }

    /** @param tables in the order in which rows are to be appended; the reverse is the order in which to delete */
    public record Group(UUID id, List<Member> tables) {
        public Group {
            Checked.count("tables", tables, MOST_TABLES);
            tables = List.copyOf(tables);
            if (tables.stream().map(Member::table).distinct().count() < tables.size()) {
                throw new IllegalArgumentException("a table is twice in the group");
            }
        }
    }

    /** A set of a group, by its table's schema and name. */
    public record Member(
            String schema, String name, @JsonProperty("set") long number, UUID setId) {
        public Member {
            Checked.table(new TableName(schema, name));
            Checked.number("set", number, 1, Long.MAX_VALUE);
        }

        public Member(TableName table, long number, UUID setId) {
            this(table.schema(), table.name(), number, setId);
        }

        public TableName table() {
            return new TableName(schema, name);
        }

        public SetName set() {
            return SetName.of(table(), number);
        }
    }

    public Manifest {
        Checked.target(target);
        Checked.table(table);
        key = Checked.names("key", key, MOST_KEY_COLUMNS);
        Checked.number("set", number, 1, Long.MAX_VALUE);
        Checked.snapshot(snapshot);
        SetName name = name(table, number, files);
        for (SetPart part : SetPart.DATA) {
            files.of(part).mustBe(name.file(part, compression), part.compressible() ? compression : Compression.NONE);
        }
        UUID id = setId;
        if (group != null && group.tables.stream().noneMatch(member -> member.setId.equals(id))) {
            throw new IllegalArgumentException("the set is not in its group");
        }
        check = check == null ? NO_CHECK : check;
    }

    /** By which its files are called: earlier versions left capital letters as they are. */
    private static SetName name(TableName table, long number, DataFiles files) {
        SetName former = SetName.former(table, number);
        return files.columns.name.equals(former.file(SetPart.COLUMNS)) ? former : SetName.of(table, number);
    }

    /** By which its files are called. */
    public SetName name() {
        return name(table, number, files);
    }

    /** Whether the records are all rows that the table has. */
    public boolean replacesEverything() {
        return kind == SetKind.FULL || truncated;
    }

    public FileSum file(SetPart part) {
        return files.of(part);
    }

    /** The names of its files, the marker last. */
    public List<String> fileNames() {
        return List.of(files.columns.name, files.ids.name, files.records.name, name().file(SetPart.DONE));
    }

    public long totalBytes() {
        return files.columns.bytes + files.ids.bytes + files.records.bytes;
    }

    /** For messages. */
    @Override
    public String toString() {
        return "set " + number + " of " + table + " for " + target;
    }

    /** The text of the {@code .done}. */
    public String toJson() {
        return sealed(StrictJson.lines(this));
    }

    /** Puts the SHA-256 of a marker into it, as it is with zeros in that place. */
    public static String sealed(String json) {
        Matcher check = SEAL.matcher(json);
        return check.find() ? check.replaceFirst("$1" + sum(json)) : json;
    }

    private static String sum(String json) {
        String zeros = SEAL.matcher(json).replaceFirst("$1" + NO_CHECK);
        return HexFormat.of().formatHex(Sha256.digest().digest(zeros.getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Reads a marker strictly: every field, no other field, none twice, each within its limits.
     *
     * @param name which file it is; the set that it names must be this one
     * @throws UnfinishedException where it only is not all there
     */
    public static Manifest read(SetName name, byte[] bytes) throws MalformedException {
        Manifest manifest = StrictJson.read(bytes, Manifest.class);
        if (!manifest.name().equals(name)) {
            throw new MalformedException("is named " + name + ", and its content is that of " + manifest.name());
        }
        // a byte that is no UTF-8 becomes another one, and the sum another sum
        String found = sum(new String(bytes, StandardCharsets.UTF_8));
        if (!found.equals(manifest.check)) {
            throw new MalformedException("was changed on its way: its SHA-256 is " + found + ", and it says "
                    + StrictJson.printable(manifest.check));
        }
        return manifest;
    }
}
