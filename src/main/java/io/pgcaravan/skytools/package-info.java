/** What users of Skytools have (ini files, handler arguments) becomes the settings of a job. */
package io.pgcaravan.skytools;
