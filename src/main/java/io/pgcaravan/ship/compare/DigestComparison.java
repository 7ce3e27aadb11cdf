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
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Set;

/** Compares two databases that cannot be reached together: a file of hashes goes to the target, and one with its answer comes back. */
public final class DigestComparison {

    /** What travels should be small: half a megabyte for ten million rows. */
    private static final int ROWS_A_RANGE_OF_A_DIGEST = 1024;

    private final Comparison.Progress progress;

    public DigestComparison(Comparison.Progress progress) {
        this.progress = progress;
    }

    /**
     * What a target found out by a digest.
     *
     * @param listed rows of the target that the answer lists
     */
    public record Answered(Digest digest, long targetRows, int differing, long listed, List<String> remarks) {}

    /**
     * Writes the hashes of the source's rows into a file that travels to the target.
     *
     * @param md5 whether the two servers may hash differently
     */
    public Digest writeDigest(Connect source, Comparison.Request request, Target target, boolean md5, Path file) {
        return Comparison.tried(request.table(), () -> {
            try (ComparedSide here = ComparedSide.open(source, request.table())) {
                RowHashing hashing =
                        Agreement.hashing(request, here.table(), ROWS_A_RANGE_OF_A_DIGEST, md5 ? Hash.MD5 : Hash.FAST);
                RangeSums sums = RangeSums.of(hashing, progress, here).get(0);
                Source system = here.system();
                Digest digest = new Digest(
                        Manifest.Source.here(system),
                        target,
                        request.table(),
                        hashing,
                        here.probe(),
                        here.snapshot(),
                        sums.rows(),
                        now());
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
     * @param here the receiver that the digest must name; null where the database's name has to do
     * @throws ChangeSetException where the digest is damaged, or for a table whose import is not permitted
     */
    public Answered answer(Connect target, Path file, Path answer, Target here) {
        try {
            Digest.Read read = Digest.read(file);
            Digest digest = read.digest();
            return Comparison.tried(digest.table(), () -> {
                try (ComparedSide there = ComparedSide.open(target, digest.table())) {
                    ImportLedger.Position position = permitted(there, digest, here);
                    List<String> remarks = new ArrayList<>();
                    RowHashing hashing = digest.hashing();
                    mustHash(digest, there);
                    Agreement.mustSuit(hashing, there.table(), remarks);
                    RangeSums sums = RangeSums.of(hashing, progress, there).get(0);
                    BitSet differing = read.sums().differing(sums);
                    long listed = 0;
                    if (!differing.isEmpty()) {
                        try (HashedRows rows = there.rows(hashing, differing)) {
                            listed = new Answer(digest, digest.applied(position), sums.rows(), now())
                                    .write(answer, differing, rows);
                        }
                        remarks.add(standing(digest, position));
                    }
                    return new Answered(digest, sums.rows(), differing.cardinality(), listed, remarks);
                }
            });
        } catch (IOException e) {
            throw unreadable("digest", file, e);
        }
    }

    /** Otherwise anyone who can put a file here could ask for the keys of any table. */
    private static ImportLedger.Position permitted(ComparedSide there, Digest digest, Target here) throws SQLException {
        TableName table = digest.table();
        ImportLedger.Position position = there.position();
        if (position == null) {
            throw new ChangeSetException("this database was not told to accept table " + table
                    + ", and answers no digest of it; " + ImportLedger.permits(table)
                    + " permits both (or this user may not read caravan.import_set)");
        }
        String stranger = there.stranger(digest.target(), position, here);
        if (stranger != null) {
            throw new ChangeSetException("the digest is refused: " + stranger);
        }
        List<String> key = there.table().primaryKey();
        if (!key.isEmpty() && !Set.copyOf(key).equals(Set.copyOf(digest.key()))) {
            throw new ChangeSetException("the digest is by (" + String.join(", ", digest.key())
                    + "), and the primary key of " + table + " is (" + String.join(", ", key) + ")");
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
    public Comparison.Result compareAnswer(
            Connect source, Path file, TableName ledger, Comparison.Differences differences) {
        try (Answer.AnswerReader answer = new Answer.AnswerReader(file)) {
            Digest digest = answer.answer.digest();
            return Comparison.tried(digest.table(), () -> {
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
                    differences.by(digest.key());
                    Tally tally = new Tally(differences);
                    List<String> remarks = new ArrayList<>();
                    Answer.AppliedSet applied = here.known(answer.answer.applied(), remarks);
                    RowByRow rows = new RowByRow(progress);
                    rows.merge(tally, here, digest.hashing(), answer.ranges, applied, answer);
                    return tally.result(
                            digest.rows(),
                            answer.answer.rows(),
                            digest.hashing(),
                            answer.ranges,
                            rows.listed(),
                            0,
                            here.setsAfter(answer.answer.applied(), digest.target(), ledger),
                            remarks);
                }
            });
        } catch (IOException e) {
            throw unreadable("answer", file, e);
        }
    }

    /** Which digest a file answers; the file is checked, but none of its rows. */
    public static Digest answered(Path file) {
        try (Answer.AnswerReader answer = new Answer.AnswerReader(file)) {
            return answer.answer.digest();
        } catch (IOException e) {
            throw unreadable("answer", file, e);
        }
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS);
    }

    private static ChangeSetException unreadable(String what, Path file, IOException e) {
        return new ChangeSetException(
                "the " + what + " " + file + " cannot be read: " + ChangeSetException.reason(e), e);
    }
}
