package io.pgcaravan.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A config/ directory as users have it: the shipped one with some keys changed. */
public final class Setup {

    private Setup() {}

    /**
     * @param directory to write to
     * @param changes values by key; a key that the shipped file lacks is appended
     */
    public static Path config(Path directory, Map<String, String> changes) throws IOException {
        Files.createDirectories(directory);
        String properties = Files.readString(Path.of("config/application.properties"));
        for (Map.Entry<String, String> change : changes.entrySet()) {
            String line = change.getKey() + " = " + change.getValue().replace("\\", "\\\\");
            String changed = properties.replaceFirst(
                    "(?m)^" + change.getKey().replace(".", "\\.") + " *=.*$",
                    java.util.regex.Matcher.quoteReplacement(line));
            properties = changed.equals(properties) ? properties + "\n" + line + "\n" : changed;
        }
        Files.writeString(directory.resolve("application.properties"), properties);
        Files.copy(
                Path.of("config/log4j2.properties"),
                directory.resolve("log4j2.properties"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        return directory;
    }
}
