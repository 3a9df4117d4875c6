"""Staff, tablets, who is logged in where, and what a wrong guess costs. Serves arrow 9."""
