"""What is tested besides test_chat.py; support.py has what all tests share."""
