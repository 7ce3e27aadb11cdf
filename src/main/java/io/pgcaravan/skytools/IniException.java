package io.pgcaravan.skytools;

import java.util.List;

/** An ini file that cannot be a job; the message lists every problem that was found, with file and line. */
public final class IniException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    IniException(String file, List<String> problems) {
        super(problems.size() == 1 ? problems.get(0) : file + " cannot be a job:\n  " + String.join("\n  ", problems));
    }
}
