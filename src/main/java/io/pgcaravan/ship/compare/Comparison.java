package io.pgcaravan.ship.compare;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.Connect;
import io.pgcaravan.ship.Snapshot;
import io.pgcaravan.ship.compare.RowHashing.Hash;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.ImportLedger;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.postgresql.PGConnection;

/**
 * Finds the rows in which a table differs between two databases. Both hash their rows, range by range, and only rows of ranges
 * that differ are listed: their keys and hashes, sorted by the latter, so that the two lists are compared while they are read.
 *
 * <p>Each side is seen by one snapshot, the target's taken first. So what the target cannot have yet is among the changes that the
 * source noted since the last set that the target applied, and told apart from what is wrong.
 */
public final class Comparison {

    /** So that one row that differs costs a look at a hundred, and the sums of a million rows are ten thousand. */
    private static final int ROWS_A_RANGE = 128;

    /** What travels should be small: half a megabyte for ten million rows. */
    private static final int ROWS_A_RANGE_OF_A_DIGEST = 1024;

    /** Differences that are looked at once more are held in memory. */
    private static final int MOST_RECHECKED = 100_000;

    private final Progress progress;

    public Comparison(Progress progress) {
        this.progress = progress;
    }

    /** Hears how far a comparison has come. */
    @FunctionalInterface
    public interface Progress {

        Progress NONE = (doing, rows) -> {};

        /** Called several times a second: what is being done, and with how many rows; 0 where nobody knows. */
        void at(String doing, long rows);
    }

    /** Is given what differs, in no order that people know. */
    @FunctionalInterface
    public interface Differences {

        /**
         * Comes before the first difference.
         *
         * @param key columns by which rows are told apart, in the order in which differences have them
         */
        default void by(List<String> key) {}

        void add(Difference difference) throws SQLException;
    }

    /**
     * What to compare.
     *
     * @param table schema and name, the same on both sides
     * @param columns raw; null for all that the source has, but for generated ones
     * @param key raw; null for the source's primary key
     */
    public record Request(TableName table, List<String> columns, List<String> key) {}

    /**
     * What came out.
     *
     * @param ranges how many ranges the rows were hashed in
     * @param differing how many of them were not equal
     * @param listed rows of those ranges whose keys and hashes were fetched, of both sides
     * @param missing rows that the target lacks
     * @param extra rows that only the target has
     * @param different rows with other values
     * @param onTheirWay rows that are not counted in these three, as a set will see to them that the target has not applied yet
     * @param settled rows that were equal, or had changed at the source, when they were looked at once more
     * @param setsOnTheirWay sets that the target has not applied yet; null where no ledger tells
     * @param remarks what else is to be known, a sentence each
     */
    public record Result(
            long sourceRows,
            long targetRows,
            int ranges,
            int differing,
            long listed,
            long missing,
            long extra,
            long different,
            long onTheirWay,
            long settled,
            Long setsOnTheirWay,
            List<String> remarks) {

        /** How many rows are wrong. */
        public long wrong() {
            return missing + extra + different;
        }
    }

    /**
     * What a target found out by a digest.
     *
     * @param listed rows of the target that the answer lists
     */
    public record Answered(Digest digest, long targetRows, int differing, long listed, List<String> remarks) {}

    // ---- two databases that can be reached

    /**
     * Compares the table in two databases.
     *
     * @param ledger the source's export ledger
     * @param recheck how long to wait before what differs is looked at once more; null for not at all
     * @param differences is given each key that differs, also those on their way
     * @throws ChangeSetException where it cannot be done
     */
    public Result compare(
            Connect source,
            Connect target,
            Request request,
            TableName ledger,
            Duration recheck,
            Differences differences) {
        return tried(request.table, () -> {
            List<Difference> first = new ArrayList<>();
            Tally tally = new Tally(recheck == null ? differences : keeping(first));
            RowHashing hashing;
            BitSet ranges;
            List<String> remarks = new ArrayList<>();
            long sourceRows;
            long targetRows;
            Long sets;
            try (ComparedSide there = ComparedSide.open(target, request.table);
                    ComparedSide here = ComparedSide.open(source, request.table)) {
                hashing = Agreement.hashing(
                        request, here.table(), ROWS_A_RANGE, Agreement.hash(here.probe(), there.probe()));
                hashing = Agreement.agreed(hashing, here.table(), there.table(), remarks);
                List<RangeSums> sums = sums(hashing, here, there);
                sourceRows = sums.get(0).rows();
                targetRows = sums.get(1).rows();
                ranges = sums.get(0).differing(sums.get(1));
                ImportLedger.Position position = there.position();
                sets = setsOnTheirWay(here, position, ledger);
                differences.by(hashing.key());
                if (!ranges.isEmpty()) {
                    Answer.Applied applied = here.known(applied(here, position), remarks);
                    new RowByRow(tally, progress).merge(here, hashing, ranges, applied, there.rows(hashing, ranges));
                }
            }
            long settled = 0;
            if (recheck != null && !first.isEmpty()) {
                if (first.size() == MOST_RECHECKED) {
                    remarks.add("more than " + MOST_RECHECKED + " rows differ, so that none was looked at once more");
                    for (Difference difference : first) {
                        differences.add(difference);
                    }
                } else {
                    settled = recheck(source, target, request, hashing, ranges, recheck, first, tally, differences);
                }
            }
            return tally.result(sourceRows, targetRows, hashing, ranges, settled, sets, remarks);
        });
    }

    private static Differences keeping(List<Difference> kept) {
        return difference -> {
            if (kept.size() < MOST_RECHECKED) {
                kept.add(difference);
            }
        };
    }

    /** Leaves the tally with what still differs though the source's row has not changed since. */
    private long recheck(
            Connect source,
            Connect target,
            Request request,
            RowHashing hashing,
            BitSet ranges,
            Duration wait,
            List<Difference> first,
            Tally tally,
            Differences differences)
            throws SQLException, IOException {
        pause(wait);
        Map<List<String>, Difference> before = new LinkedHashMap<>();
        first.forEach(difference -> before.put(difference.key(), difference));
        tally.startAgain(differences, difference -> {
            Difference was = before.get(difference.key());
            return was != null && was.hash() == difference.hash();
        });
        try (ComparedSide there = ComparedSide.open(target, request.table);
                ComparedSide here = ComparedSide.open(source, request.table)) {
            Answer.Applied applied = here.known(applied(here, there.position()), new ArrayList<>());
            new RowByRow(tally, progress).merge(here, hashing, ranges, applied, there.rows(hashing, ranges));
        }
        return before.size() - tally.wrong() - tally.onTheirWay();
    }

    private void pause(Duration wait) {
        long end = System.nanoTime() + wait.toNanos();
        try {
            for (long left = wait.toNanos(); left > 0; left = end - System.nanoTime()) {
                progress.at("waiting " + (left / 1_000_000_000 + 1) + " s before looking once more", 0);
                TimeUnit.NANOSECONDS.sleep(Math.min(left, 200_000_000));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ChangeSetException("interrupted while waiting to look once more", e);
        }
    }

    // ---- two databases that cannot

    /**
     * Writes the hashes of the source's rows into a file that travels to the target.
     *
     * @param md5 whether the two servers may hash differently
     */
    public Digest writeDigest(Connect source, Request request, Target target, boolean md5, Path file) {
        return tried(request.table, () -> {
            try (ComparedSide here = ComparedSide.open(source, request.table)) {
                RowHashing hashing =
                        Agreement.hashing(request, here.table(), ROWS_A_RANGE_OF_A_DIGEST, md5 ? Hash.MD5 : Hash.FAST);
                RangeSums sums = sums(hashing, here).get(0);
                Source system = here.system();
                Digest digest = new Digest(
                        UUID.randomUUID(),
                        Manifest.Source.here(system),
                        target,
                        request.table,
                        hashing,
                        here.probe(),
                        here.snapshot(),
                        sums.rows(),
                        Instant.now().truncatedTo(ChronoUnit.MILLIS));
                digest.write(file, sums);
                return digest;
            }
        });
    }

    /**
     * Compares the target's rows with a digest, and writes the keys and hashes of those in ranges that differ into a file that
     * travels back.
     *
     * @param answer is written only where something differs
     * @param here whom the digest has to be for; null where the database's name has to do
     * @throws ChangeSetException where the digest is damaged, or for a table that nobody permitted to import
     */
    public Answered answer(Connect target, Path file, Path answer, Target here) {
        try {
            Digest.Read read = Digest.read(file);
            Digest digest = read.digest();
            return tried(digest.table(), () -> {
                try (ComparedSide there = ComparedSide.open(target, digest.table())) {
                    ImportLedger.Position position = permitted(there, digest, here);
                    List<String> remarks = new ArrayList<>();
                    RowHashing hashing = digest.hashing();
                    mustHash(digest, there);
                    Agreement.mustSuit(hashing, there.table(), remarks);
                    RangeSums sums = sums(hashing, there).get(0);
                    BitSet differing = read.sums().differing(sums);
                    long listed = 0;
                    if (!differing.isEmpty()) {
                        try (HashedRows rows = there.rows(hashing, differing)) {
                            listed = new Answer(
                                            digest,
                                            Answer.Applied.of(
                                                    position,
                                                    digest.source().system(),
                                                    digest.source().database()),
                                            sums.rows(),
                                            Instant.now().truncatedTo(ChronoUnit.MILLIS))
                                    .write(answer, differing, rows);
                        }
                        remarks.add(standing(digest, position));
                    }
                    return new Answered(digest, sums.rows(), differing.cardinality(), listed, remarks);
                }
            });
        } catch (IOException e) {
            throw new ChangeSetException("the digest " + file + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    /** Whoever can put a file here could ask for the keys of any table otherwise. */
    private static ImportLedger.Position permitted(ComparedSide there, Digest digest, Target here) throws SQLException {
        TableName table = digest.table();
        ImportLedger.Position position = there.position();
        if (position == null) {
            throw new ChangeSetException("this database was not told to accept table " + table
                    + ", and tells nobody about its rows; caravan ddl importer " + table.schema() + " " + table.name()
                    + " --apply permits both (or this user may not read caravan.import_set)");
        }
        Target meant = here != null ? here : position.target();
        boolean forUs = meant != null
                ? meant.equals(digest.target())
                : digest.target().database().equals(there.table().database());
        if (!forUs) {
            throw new ChangeSetException("the digest is for " + digest.target() + ", and this is "
                    + (meant != null ? meant : "database \"" + there.table().database() + "\"")
                    + "; --target says who is meant");
        }
        List<String> key = there.table().primaryKey();
        if (!key.isEmpty()
                && !Set.copyOf(key).equals(Set.copyOf(digest.hashing().key()))) {
            throw new ChangeSetException(
                    "the digest is by (" + String.join(", ", digest.hashing().key()) + "), and the primary key of "
                            + table + " is (" + String.join(", ", key) + ")");
        }
        return position;
    }

    private static void mustHash(Digest digest, ComparedSide side) {
        if (digest.hashing().hash() == Hash.FAST && !digest.probe().equals(side.probe())) {
            throw new ChangeSetException("the servers of both sides hash differently (they differ in byte order, in"
                    + " version or in how they write characters): have the digest written with --md5");
        }
    }

    private static String standing(Digest digest, ImportLedger.Position position) {
        if (position.number() == null) {
            return "no set of the table has been applied yet";
        }
        boolean behind = digest.source().system().equals(position.sourceSystem())
                && Long.compareUnsigned(Snapshot.xmax(position.snapshot()), Snapshot.xmax(digest.snapshot())) < 0;
        return "the table has set " + position.number()
                + (behind
                        ? ", and the digest may have seen changes that were not in it: the source, which knows them, tells"
                                + " them apart"
                        : "");
    }

    /**
     * Compares the source's rows with what a target answered to a digest.
     *
     * @param differences is given each key that differs, also those on their way
     * @throws ChangeSetException where the answer is damaged, or to another source's digest
     */
    public Result compareAnswer(Connect source, Path file, TableName ledger, Differences differences) {
        try (Answer.Reading answer = new Answer.Reading(file)) {
            Digest digest = answer.answer.digest();
            return tried(digest.table(), () -> {
                try (ComparedSide here = ComparedSide.open(source, digest.table())) {
                    Source system = here.system();
                    if (!system.system().equals(digest.source().system())
                            || !system.database().equals(digest.source().database())) {
                        throw new ChangeSetException(file + " answers a digest of database \""
                                + digest.source().database() + "\" on "
                                + digest.source().host() + " (system "
                                + digest.source().system() + "), and this is " + system);
                    }
                    mustHash(digest, here);
                    Agreement.mustSuit(digest.hashing(), here.table(), new ArrayList<>());
                    differences.by(digest.hashing().key());
                    Tally tally = new Tally(differences);
                    List<String> remarks = new ArrayList<>();
                    Answer.Applied applied = here.known(answer.answer.applied(), remarks);
                    new RowByRow(tally, progress).merge(here, digest.hashing(), answer.ranges, applied, answer);
                    return tally.result(
                            digest.rows(),
                            answer.answer.rows(),
                            digest.hashing(),
                            answer.ranges,
                            0,
                            setsOnTheirWay(here, digest.target(), answer.answer.applied(), ledger),
                            remarks);
                }
            });
        } catch (IOException e) {
            throw new ChangeSetException("the answer " + file + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    /** Which digest a file answers; the file is checked, but none of its rows. */
    public static Digest answered(Path file) {
        try (Answer.Reading answer = new Answer.Reading(file)) {
            return answer.answer.digest();
        } catch (IOException e) {
            throw new ChangeSetException("the answer " + file + " cannot be read: " + ChangeSetException.reason(e), e);
        }
    }

    /** Whom the last set was for that a table has; null where it has none. */
    public static Target targetOf(Connect target, TableName table) {
        return tried(table, () -> {
            try (ComparedSide there = ComparedSide.open(target, table)) {
                ImportLedger.Position position = there.position();
                return position == null ? null : position.target();
            }
        });
    }

    // ---- how

    /** Every side at once. */
    private List<RangeSums> sums(RowHashing hashing, ComparedSide... sides) throws SQLException, IOException {
        List<FutureTask<RangeSums>> tasks = new ArrayList<>();
        for (ComparedSide side : sides) {
            FutureTask<RangeSums> task = new FutureTask<>(() -> side.sums(hashing));
            Thread thread = new Thread(task, "compare");
            thread.setDaemon(true);
            thread.start();
            tasks.add(task);
        }
        List<RangeSums> sums = new ArrayList<>();
        for (FutureTask<RangeSums> task : tasks) {
            try {
                sums.add(finished(task));
            } catch (SQLException | IOException | RuntimeException e) {
                for (ComparedSide side : sides) {
                    side.connection().unwrap(PGConnection.class).cancelQuery();
                }
                throw e;
            }
        }
        return sums;
    }

    private RangeSums finished(FutureTask<RangeSums> task) throws SQLException, IOException {
        while (true) {
            try {
                return task.get(200, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                progress.at("hashing the rows where they are", 0);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ChangeSetException("interrupted while rows were hashed", e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof SQLException sql) {
                    throw sql;
                }
                throw new IllegalStateException(e.getCause());
            }
        }
    }

    // ---- sets on their way

    private static Long setsOnTheirWay(ComparedSide source, ImportLedger.Position position, TableName ledger)
            throws SQLException {
        return position == null ? null : setsOnTheirWay(source, position.target(), applied(source, position), ledger);
    }

    private static Answer.Applied applied(ComparedSide source, ImportLedger.Position position) throws SQLException {
        return Answer.Applied.of(
                position, source.system().system(), source.table().database());
    }

    private static Long setsOnTheirWay(ComparedSide source, Target target, Answer.Applied applied, TableName ledger)
            throws SQLException {
        if (target == null
                || applied == null
                || !source.mayRead(ledger)
                || !Objects.equals(applied.system(), source.system().system())) {
            return null;
        }
        try (PreparedStatement statement = source.connection()
                .prepareStatement("select count(*) from " + ledger.quoted()
                        + " where target_host = ? and target_database = ? and table_schema = ? and table_name = ?"
                        + " and set_number > ?")) {
            statement.setString(1, target.host());
            statement.setString(2, target.database());
            statement.setString(3, source.table().name().schema());
            statement.setString(4, source.table().name().name());
            statement.setLong(5, applied.set());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getLong(1);
            }
        }
    }

    // ---- what goes wrong

    private interface Work<T> {
        T run() throws SQLException, IOException;
    }

    private static <T> T tried(TableName table, Work<T> work) {
        if (table.schema() == null) {
            throw new ChangeSetException("table " + table + " needs its schema, as in public." + table);
        }
        try {
            return work.run();
        } catch (SQLException e) {
            throw new ChangeSetException(
                    "the comparison of " + table + " failed: "
                            + e.getMessage().lines().collect(Collectors.joining("; ")),
                    e);
        } catch (IOException e) {
            throw new ChangeSetException("the comparison of " + table + " failed: " + ChangeSetException.reason(e), e);
        }
    }
}
