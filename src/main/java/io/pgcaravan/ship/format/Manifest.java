package io.pgcaravan.ship.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import io.pgcaravan.ship.format.SetName.Part;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a set's {@code .done} says.
 *
 * @param name by which its files are called
 * @param table schema and name
 * @param key the key's columns, in the key's order
 * @param number from 1, without holes
 * @param previousSetId null for the first set of a target
 * @param kind whether it holds every row of the table, or the changed ones
 * @param truncated whether every row that was there before is gone: the records are all there is
 * @param snapshot what the set has seen, as {@code pg_snapshot} prints it
 * @param files of the parts COLUMNS, IDS and RECORDS
 * @param group null where the set goes alone
 */
public record Manifest(
        SetName name,
        Source source,
        Target target,
        TableName table,
        List<String> key,
        long number,
        UUID setId,
        UUID previousSetId,
        Kind kind,
        boolean truncated,
        String snapshot,
        Instant exportedAt,
        Compression compression,
        Map<Part, FileSum> files,
        Group group) {

    /** The format that is written and read. */
    public static final int FORMAT = 1;

    private static final String CHECK = "check";

    private static final String NO_CHECK = "0".repeat(64);

    /** The last thing in a marker. */
    private static final Pattern SEAL = Pattern.compile("(\"" + CHECK + "\" : \")[0-9a-f]{64}(?=\"\\s*}\\s*$)");

    private static final int MOST_TABLES = 1000;
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    /** All rows, or the changed ones. */
    public enum Kind {
        FULL("full"),
        CHANGES("changes");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        public String word() {
            return word;
        }

        public static Kind of(String word) {
            return word.equals("full") ? FULL : CHANGES;
        }
    }

    /** @param system the cluster's system identifier, as text */
    public record Source(String system, String database, String host) {

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

    /**
     * @param rows lines of COPY text; 1 for the columns
     * @param bytes on disk
     * @param plainBytes without compression
     * @param sha256 of the bytes on disk, in lower-case hex
     */
    public record FileSum(long rows, long bytes, long plainBytes, String sha256) {}

    /** @param members in the order in which rows are to be appended; the reverse is the order in which to delete */
    public record Group(UUID id, List<Member> members) {
        public Group {
            members = List.copyOf(members);
        }
    }

    public record Member(TableName table, long number, UUID setId) {
        public SetName name() {
            return SetName.of(table, number);
        }
    }

    public Manifest {
        key = List.copyOf(key);
        files = Map.copyOf(files);
    }

    /** Whether the records are all rows that the table has. */
    public boolean replacesEverything() {
        return kind == Kind.FULL || truncated;
    }

    public FileSum file(Part part) {
        return files.get(part);
    }

    public long totalBytes() {
        return files.values().stream().mapToLong(FileSum::bytes).sum();
    }

    /** For messages. */
    @Override
    public String toString() {
        return "set " + number + " of " + table + " for " + target;
    }

    // ---- writing

    /** The JSON text of the {@code .done}. */
    public String toJson() {
        StringWriter text = new StringWriter();
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
        printer.indentArraysWith(DefaultPrettyPrinter.FixedSpaceIndenter.instance);
        printer.indentObjectsWith(new DefaultIndenter("  ", "\n"));
        try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
            json.setPrettyPrinter(printer);
            json.writeStartObject();
            json.writeNumberField("format", FORMAT);
            writeOrigin(json, source, target, table);
            texts(json, "key", key);
            json.writeNumberField("set", number);
            json.writeStringField("setId", setId.toString());
            json.writeStringField("previousSetId", previousSetId == null ? null : previousSetId.toString());
            json.writeStringField("kind", kind.word());
            json.writeBooleanField("truncated", truncated);
            json.writeStringField("snapshot", snapshot);
            json.writeStringField("exportedAt", exportedAt.toString());
            json.writeStringField("compression", compression.word());
            json.writeObjectFieldStart("files");
            for (Part part : List.of(Part.COLUMNS, Part.IDS, Part.RECORDS)) {
                FileSum sum = files.get(part);
                json.writeObjectFieldStart(part.suffix().substring(1));
                json.writeStringField("name", name().file(part, compression));
                json.writeNumberField("rows", sum.rows);
                json.writeNumberField("bytes", sum.bytes);
                json.writeNumberField("plainBytes", sum.plainBytes);
                json.writeStringField("sha256", sum.sha256);
                json.writeEndObject();
            }
            json.writeEndObject();
            if (group == null) {
                json.writeNullField("group");
            } else {
                json.writeObjectFieldStart("group");
                json.writeStringField("id", group.id.toString());
                json.writeArrayFieldStart("tables");
                for (Member member : group.members) {
                    json.writeStartObject();
                    json.writeStringField("schema", member.table.schema());
                    json.writeStringField("name", member.table.name());
                    json.writeNumberField("set", member.number);
                    json.writeStringField("setId", member.setId.toString());
                    json.writeEndObject();
                }
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeStringField(CHECK, NO_CHECK);
            json.writeEndObject();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return sealed(text + "\n");
    }

    /** Where rows come from, and whom they are for. */
    public static void writeOrigin(JsonGenerator json, Source source, Target target, TableName table)
            throws IOException {
        json.writeObjectFieldStart("source");
        json.writeStringField("system", source.system);
        json.writeStringField("database", source.database);
        json.writeStringField("host", source.host);
        json.writeEndObject();
        json.writeObjectFieldStart("target");
        json.writeStringField("host", target.host());
        json.writeStringField("database", target.database());
        json.writeEndObject();
        json.writeObjectFieldStart("table");
        json.writeStringField("schema", table.schema());
        json.writeStringField("name", table.name());
        json.writeEndObject();
    }

    /** An array of texts. */
    public static void texts(JsonGenerator json, String field, List<String> texts) throws IOException {
        json.writeArrayFieldStart(field);
        for (String text : texts) {
            json.writeString(text);
        }
        json.writeEndArray();
    }

    /** Puts the SHA-256 of a marker into it, as it is with zeros in that place. */
    public static String sealed(String json) {
        Matcher check = SEAL.matcher(json);
        if (!check.find()) {
            return json;
        }
        return check.replaceFirst("$1" + sum(check.replaceFirst("$1" + NO_CHECK)));
    }

    private static String sum(String text) {
        return HexFormat.of().formatHex(Sha256.digest().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** No bit of a set's id, snapshot or names may have changed on the way. */
    private static void mustBeAsWritten(byte[] bytes, String check) throws MalformedException {
        // a byte that is no UTF-8 becomes another one, and the sum another sum
        String text = new String(bytes, StandardCharsets.UTF_8);
        String found = sum(SEAL.matcher(text).replaceFirst("$1" + NO_CHECK));
        if (!found.equals(check)) {
            throw new MalformedException(
                    "was changed on its way: its SHA-256 is " + found + ", and it says " + Fields.printable(check));
        }
    }

    // ---- reading what others wrote

    /**
     * Reads a marker strictly: every field, no other field, none twice, each within its limits.
     *
     * @param name which file it is; the set that it names must be this one
     * @throws UnfinishedException where it only is not all there
     */
    public static Manifest read(SetName name, byte[] bytes) throws MalformedException {
        Fields all = Fields.parse(bytes);
        long format = all.number("format", 0, Integer.MAX_VALUE);
        if (format != FORMAT) {
            throw new MalformedException("is of format " + format + ", and this version reads format " + FORMAT);
        }
        Fields source = all.object("source");
        Fields target = all.object("target");
        Compression compression = compression(all.text("compression", 10));
        TableName table = all.table("table");
        long number = all.number("set", 1, Long.MAX_VALUE);
        if (!SetName.of(table, number).equals(name)
                && !SetName.former(table, number).equals(name)) {
            throw new MalformedException("is named " + name + " and speaks of " + SetName.of(table, number));
        }
        List<String> key = all.texts("key", 32);
        String kind = all.text("kind", 10);
        if (!kind.equals("full") && !kind.equals("changes")) {
            throw new MalformedException("has a kind \"" + kind + "\"");
        }
        String snapshot = all.snapshot("snapshot");
        Manifest manifest = new Manifest(
                name,
                new Source(source.text("system", 40), source.name("database"), source.text("host", 1024)),
                target(target),
                table,
                key,
                number,
                all.uuid("setId"),
                all.uuidOrNull("previousSetId"),
                Kind.of(kind),
                all.flag("truncated"),
                snapshot,
                all.instant("exportedAt"),
                compression,
                files(all.object("files"), name, compression),
                group(all.objectOrNull("group"), table, number));
        String check = all.text(CHECK, 64);
        source.end();
        target.end();
        all.end();
        if (manifest.group != null
                && manifest.group.members.stream().noneMatch(member -> member.setId.equals(manifest.setId))) {
            throw new MalformedException("is not in the group that it names");
        }
        mustBeAsWritten(bytes, check);
        return manifest;
    }

    private static Target target(Fields target) throws MalformedException {
        try {
            return new Target(target.text("host", 1024), target.name("database"));
        } catch (IllegalArgumentException e) {
            throw new MalformedException("names no target");
        }
    }

    private static Compression compression(String word) throws MalformedException {
        try {
            return Compression.of(word);
        } catch (IllegalArgumentException e) {
            throw new MalformedException("has a compression \"" + word + "\"");
        }
    }

    private static Map<Part, FileSum> files(Fields files, SetName set, Compression compression)
            throws MalformedException {
        Map<Part, FileSum> sums = new EnumMap<>(Part.class);
        for (Part part : List.of(Part.COLUMNS, Part.IDS, Part.RECORDS)) {
            Fields file = files.object(part.suffix().substring(1));
            String name = file.text("name", 255);
            if (!name.equals(set.file(part, compression))) {
                throw new MalformedException("names a file that is not of its set: \"" + Fields.printable(name) + "\"");
            }
            FileSum sum = new FileSum(
                    file.number("rows", 0, Long.MAX_VALUE),
                    file.number("bytes", 0, Long.MAX_VALUE),
                    file.number("plainBytes", 0, Long.MAX_VALUE),
                    file.text("sha256", 64));
            file.end();
            if (!HEX.matcher(sum.sha256).matches()) {
                throw new MalformedException("has no SHA-256 for " + name);
            }
            // a row is a line, and a line has an end
            if (sum.rows > sum.plainBytes || (sum.rows == 0) != (sum.plainBytes == 0)) {
                throw new MalformedException("counts " + sum.rows + " rows in " + sum.plainBytes + " bytes of " + name);
            }
            boolean plain = compression == Compression.NONE || !part.compressible();
            if (plain ? sum.bytes != sum.plainBytes : sum.plainBytes / MOST_EXPANSION > sum.bytes) {
                throw new MalformedException(
                        "says that " + sum.bytes + " bytes of " + name + " become " + sum.plainBytes);
            }
            sums.put(part, sum);
        }
        if (sums.get(Part.COLUMNS).rows != 1 || sums.get(Part.COLUMNS).bytes > Fields.MOST_BYTES) {
            throw new MalformedException("has more than a line of columns");
        }
        files.end();
        return sums;
    }

    /** What no compression reaches: zstd, the strongest, takes 4 bytes for a block of at most 128 KiB. */
    static final long MOST_EXPANSION = 32_768;

    private static Group group(Fields group, TableName table, long number) throws MalformedException {
        if (group == null) {
            return null;
        }
        UUID id = group.uuid("id");
        List<Member> members = new ArrayList<>();
        Set<TableName> tables = new HashSet<>();
        for (Fields member : group.objects("tables", MOST_TABLES)) {
            Member read = new Member(
                    new TableName(member.name("schema"), member.name("name")),
                    member.number("set", 1, Long.MAX_VALUE),
                    member.uuid("setId"));
            member.end();
            if (!tables.add(read.table)) {
                throw new MalformedException("has " + read.table + " twice in its group");
            }
            members.add(read);
        }
        group.end();
        return new Group(id, members);
    }
}
