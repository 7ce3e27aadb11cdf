package io.pgcaravan.demo;

import io.pgcaravan.app.ProgressLine;
import io.pgcaravan.app.ShipProgress;
import io.pgcaravan.server.ScratchDirectory;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.ship.exporter.Exporter.Exported;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.Importer;
import io.pgcaravan.ship.importer.Importer.Outcome;
import io.pgcaravan.ship.importer.Importer.Result;
import io.pgcaravan.sql.TableName;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code caravan demo ship}: orders are written while sets of what has changed travel to the target through a drop directory.
 * Exports and imports know of each other by the files alone. Closing it ends both and deletes the directory.
 */
final class ShipDemo implements AutoCloseable {

    private static final TableName ORDERS = new TableName("public", "orders");
    private static final Target TARGET = new Target("branch.example", "demo_target");
    private static final int EXPORT_MILLIS = 500;
    private static final int IMPORT_MILLIS = 100;
    private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final OrdersDemo orders;
    private final PrintWriter out;
    private final ProgressLine progress;
    private final ScratchDirectory directory;
    private final Exporter exporter;
    private final Importer importer;
    private final ScheduledExecutorService sides = Executors.newScheduledThreadPool(2, work -> {
        Thread thread = new Thread(work, "demo-ship");
        thread.setDaemon(true);
        return thread;
    });
    private final Queue<Manifest> exported = new ConcurrentLinkedQueue<>();
    private final Queue<Manifest> imported = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean allWritten = new AtomicBoolean();
    private final AtomicBoolean allExported = new AtomicBoolean();
    private final CompletableFuture<Long> allImported = new CompletableFuture<>();

    ShipDemo(OrdersDemo orders, PrintWriter out, ProgressLine progress) throws IOException {
        this.orders = orders;
        this.out = out;
        this.progress = progress;
        directory = ScratchDirectory.untilTheEnd("caravan-demo-drop-");
        exporter = new Exporter(orders::source);
        importer = new Importer(orders::target, drop(), TARGET, Importer.Progress.NONE);
    }

    private DropDirectory drop() {
        return new DropDirectory(directory.path());
    }

    Path directory() {
        return directory.path();
    }

    /** Writes this many orders, and returns when the target has all of them. */
    void carry(long rows) throws Exception {
        orders.write(Math.max(1, rows / 10));
        long start = System.nanoTime();
        export();
        FutureTask<Long> writing = new FutureTask<>(() -> {
            orders.write(rows);
            allWritten.set(true);
            return System.nanoTime();
        });
        Thread writer = new Thread(writing, "demo-writer");
        writer.setDaemon(true);
        writer.start();
        sides.scheduleWithFixedDelay(guarded(this::export), 0, EXPORT_MILLIS, TimeUnit.MILLISECONDS);
        sides.scheduleWithFixedDelay(guarded(this::importAll), 0, IMPORT_MILLIS, TimeUnit.MILLISECONDS);
        await(writing);
        progress.clear();
        out.printf(
                Locale.ROOT,
                "%,d orders, %,d changes in %d sets: written in %.1f s, all in the target %.1f s later.%n%n",
                orders.orders(),
                orders.changes(),
                exported.size(),
                (writing.get() - start) / 1e9,
                (allImported.get() - writing.get()) / 1e9);
    }

    /** The first failure is the demo's. */
    private Runnable guarded(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException e) {
                allImported.completeExceptionally(e);
                throw e;
            }
        };
    }

    private void export() {
        boolean last = allWritten.get();
        exporter.export(new Exporter.Request(TARGET, List.of(ORDERS), drop(), Compression.NONE, false)).stream()
                .map(Exported::manifest)
                .forEach(exported::add);
        if (last) {
            allExported.set(true);
        }
    }

    private void importAll() {
        boolean last = allExported.get();
        for (Outcome outcome : importer.importAll()) {
            if (outcome.result() != Result.APPLIED) {
                throw new IllegalStateException(outcome.toString());
            }
            imported.add(outcome.manifest());
        }
        if (last) {
            allImported.complete(System.nanoTime());
        }
    }

    private void await(FutureTask<Long> writing) throws Exception {
        int seen = -1;
        long seenAt = System.nanoTime();
        while (!allImported.isDone()) {
            if (writing.isDone()) {
                result(writing);
            }
            int sets = imported.size();
            progress.show(String.format(
                    Locale.ROOT,
                    "changes written %,9d   sets published %3d   sets in the target %3d",
                    orders.changes(),
                    exported.size(),
                    sets));
            if (sets != seen) {
                seen = sets;
                seenAt = System.nanoTime();
            } else if (System.nanoTime() - seenAt > STALLED_NANOS) {
                progress.end();
                throw new IllegalStateException("nothing has arrived in the target for a minute");
            }
            Thread.sleep(100);
        }
        result(allImported);
    }

    private static void result(java.util.concurrent.Future<Long> work) throws Exception {
        try {
            work.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause().getMessage(), e.getCause());
        }
    }

    // ---- what is shown

    void showSets() throws IOException {
        List<Manifest> sets = new ArrayList<>(imported);
        out.printf(Locale.ROOT, "%d sets in the target:%n", sets.size());
        int rest = sets.size() > 8 ? 4 : sets.size();
        sets.stream().limit(rest).forEach(this::show);
        if (rest < sets.size()) {
            out.println("  ...");
            sets.stream().skip(sets.size() - 2L).forEach(this::show);
        }
        out.println();
        showFiles(sets.get(sets.size() - 1));
    }

    private void show(Manifest set) {
        out.printf(
                Locale.ROOT,
                "  %4d  %-7s  %,7d ids, %,7d records, %s%n",
                set.number(),
                set.kind().word(),
                set.file(SetPart.IDS).rows(),
                set.file(SetPart.RECORDS).rows(),
                ShipProgress.size(set.totalBytes()));
    }

    private void showFiles(Manifest set) throws IOException {
        out.printf("The files of set %d, as its import left them in done/:%n", set.number());
        for (SetPart part : List.of(SetPart.COLUMNS, SetPart.IDS, SetPart.RECORDS, SetPart.DONE)) {
            Path file = directory.path().resolve("done").resolve(set.name().file(part));
            out.println("  " + file.getFileName() + ", " + ShipProgress.size(Files.size(file)));
            try (BufferedReader reader = Files.newBufferedReader(file)) {
                List<String> lines =
                        reader.lines().limit(part == SetPart.DONE ? 100 : 3).toList();
                boolean cut = part != SetPart.DONE && set.file(part).rows() > 2;
                lines.stream().limit(cut ? 2 : lines.size()).forEach(line -> out.println("      " + line));
                if (cut) {
                    out.println("      ...");
                }
            }
        }
        out.println();
    }

    @Override
    public void close() throws InterruptedException {
        sides.shutdown();
        sides.awaitTermination(1, TimeUnit.MINUTES);
        directory.delete();
    }
}
