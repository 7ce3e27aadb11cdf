/** Triggers note which rows of a table change; an export writes them to files for one target, and an import applies them there. */
package io.pgcaravan.changeset;
