package io.pgcaravan.ship.exporter;

import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.DataFiles;
import io.pgcaravan.ship.format.Manifest.FileSum;
import io.pgcaravan.ship.format.Manifest.Group;
import io.pgcaravan.ship.format.SetFile;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** Writes the three files of a set, under temporary names, and makes the manifest that describes them. */
final class SetWriter {

    private final SourceSnapshot source;
    private final Source system;
    private final Exporter.Request request;
    private final Exporter.Progress progress;

    /** @param system where the rows come from */
    SetWriter(SourceSnapshot source, Source system, Exporter.Request request, Exporter.Progress progress) {
        this.source = source;
        this.system = system;
        this.request = request;
        this.progress = progress;
    }

    /** @param group the sets that go together; null for a set alone */
    Manifest write(PlannedSet one, Group group) throws SQLException, IOException {
        FileSum columns = writeColumns(one);
        FileSum ids = copy(one, SetPart.IDS, source.ids(one), 0);
        long expected = one.full() ? one.table().rows() : ids.rows();
        FileSum records = copy(one, SetPart.RECORDS, source.records(one, ids.rows()), expected);
        ExportSet set = one.set();
        try {
            Manifest manifest = new Manifest(
                    StrictJson.FORMAT,
                    Manifest.Source.here(system),
                    request.target(),
                    one.table().name(),
                    one.table().key(),
                    set.number(),
                    set.setId(),
                    set.previousSetId(),
                    one.kind(),
                    one.truncated(),
                    set.window().to(),
                    Instant.now().truncatedTo(ChronoUnit.MILLIS),
                    request.compression(),
                    new DataFiles(columns, ids, records),
                    group,
                    null);
            return Manifest.read(manifest.name(), manifest.toJson().getBytes(StandardCharsets.UTF_8));
        } catch (IllegalArgumentException | MalformedException e) {
            throw new ChangeSetException(
                    set + " cannot be exported, as no import would take it: its .done " + e.getMessage(), e);
        }
    }

    private FileSum writeColumns(PlannedSet one) throws IOException {
        try (SetFile file = create(one, SetPart.COLUMNS)) {
            file.line((one.table().columnLine() + "\n").getBytes(StandardCharsets.UTF_8));
            return file.finish();
        }
    }

    private SetFile create(PlannedSet one, SetPart part) throws IOException {
        return request.directory().create(one.set().name(), one.set().setId(), part, request.compression());
    }

    private FileSum copy(PlannedSet one, SetPart part, String query, long expected) throws SQLException, IOException {
        try (SetFile file = create(one, part)) {
            if (query != null) {
                source.copy(query, line -> {
                    file.line(line);
                    if ((file.lines() & 0x1fff) == 0) {
                        written(one, part, file, expected);
                    }
                });
                written(one, part, file, file.lines());
            }
            return file.finish();
        }
    }

    private void written(PlannedSet one, SetPart part, SetFile file, long expected) {
        progress.written(one.table().name(), part, file.lines(), file.plainBytes(), expected);
    }
}
