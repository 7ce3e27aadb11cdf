package io.pgcaravan.skytools;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The job that an ini file of Skytools' table_dispatcher describes, in the terms of our own routes.
 *
 * @param file the ini file
 * @param name the job's name, in every line of its log
 * @param source where the queue is, as a libpq connection string or any other text for a database
 * @param target where the rows go, likewise
 * @param queue the queue's name
 * @param consumer the consumer's name, which is also the key of the job's position in the target
 * @param destTable raw text whose first dot separates the schema
 * @param consume options of {@code pgq:}, by name; none has a text that is empty
 * @param decode options of {@code pgq-decode:}
 * @param format what the events hold: {@code logutriga} or {@code jsontriga}
 * @param partition options of {@code pgq-partition:}; null where rows go into destTable itself
 * @param load options of {@code pgq-copy:}
 * @param pidFile null where the ini names none
 * @param logging where the job's log goes
 * @param warnings what was found that cannot be as the ini has it, or looks like a mistake
 */
public record TableDispatcherJob(
        Path file,
        String name,
        String source,
        String target,
        String queue,
        String consumer,
        String destTable,
        Map<String, Object> consume,
        String format,
        Map<String, Object> decode,
        Map<String, Object> partition,
        Map<String, Object> load,
        Path pidFile,
        Logging logging,
        List<String> warnings) {

    /** What the section is called, and the service. */
    static final String SECTION = "table_dispatcher";

    /**
     * Where a job's log goes.
     *
     * @param file null for none
     * @param size bytes at which the file is rotated
     * @param count rotated files that are kept
     * @param skylog 0 for no skylog.ini, 1 where the job does not run on a terminal, 2 always
     * @param skylogLocations where skylog.ini is looked for, in order
     * @param format of a line, as Python's logging has it
     * @param verboseFormat the same at -v, null for the same
     */
    public record Logging(
            Path file,
            long size,
            int count,
            int skylog,
            List<Path> skylogLocations,
            String format,
            String verboseFormat) {}

    /**
     * Reads and checks an ini file.
     *
     * @param overrides what counts instead of the file's values, by key
     * @throws IniException with every mistake: file, line, key, value, what is allowed
     */
    public static TableDispatcherJob read(Path file, Map<String, String> overrides) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IniException(file.toString(), List.of("ini file " + file + " not found"));
        }
        Ini ini = Ini.read(file);
        String section = section(file, ini);
        Map<String, String> defaults = new LinkedHashMap<>();
        Ini.Section bare = ini.section(section, Map.of(), overrides);
        boolean old = bare.keys().contains("pgq_queue_name") || bare.keys().contains("pgq_consumer_id");
        // Skytools 2 and 3 differ here, and the consumer's name may hang on it
        defaults.put("job_name", old ? section : baseName(file));
        defaults.put("service_name", section);
        defaults.put("host_name", hostName());
        defaults.put("config_file", file.toString());
        defaults.put(
                "config_dir", file.getParent() == null ? "" : file.getParent().toString());
        return new JobReader(file, ini.section(section, defaults, overrides), ini.warnings()).job();
    }

    private static String section(Path file, Ini ini) {
        List<String> sections = ini.sections();
        if (sections.contains(SECTION)) {
            return SECTION;
        }
        if (sections.size() == 1) {
            return sections.get(0);
        }
        throw new IniException(
                file.toString(),
                List.of(file + ": missing section [" + SECTION + "]"
                        + (sections.isEmpty() ? "" : "; found [" + String.join("], [", sections) + "]")));
    }

    private static String baseName(Path file) {
        String name = file.getFileName().toString();
        int dot = name.lastIndexOf('.');
        return dot > 0 ? name.substring(0, dot) : name;
    }

    static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }
}
