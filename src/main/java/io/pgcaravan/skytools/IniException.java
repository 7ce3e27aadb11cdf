package io.pgcaravan.skytools;

import java.util.List;

/** An ini file with mistakes; the message lists all of them, with file and line. */
public final class IniException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    IniException(String file, List<String> problems) {
        super(problems.size() == 1 ? problems.get(0) : file + " is invalid:\n  " + String.join("\n  ", problems));
    }
}
