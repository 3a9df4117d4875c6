"""The centre: takes batches, decides, raises alarms and shows them on tablets. Serves arrows 6 to 9."""
