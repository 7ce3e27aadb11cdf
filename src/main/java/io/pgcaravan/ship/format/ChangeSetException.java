package io.pgcaravan.ship.format;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;

/** An export or import that cannot be done; the message says what failed, on which table, set or file, and what to do next. */
public sealed class ChangeSetException extends RuntimeException permits IncompleteSetException {

    private static final long serialVersionUID = 1L;

    public ChangeSetException(String message) {
        super(message);
    }

    public ChangeSetException(String message, Throwable cause) {
        super(message, cause);
    }

    /** What went wrong with a file, with its name; Java's own messages are often nothing but that. */
    public static String reason(IOException e) {
        if (e instanceof AccessDeniedException denied) {
            return "no permission for " + denied.getFile();
        }
        if (e instanceof NoSuchFileException missing) {
            return missing.getFile() + " is missing";
        }
        if (e instanceof FileAlreadyExistsException exists) {
            return exists.getFile() + " is in the way";
        }
        return e.getMessage();
    }
}
